"""From association to complete series: admission, storage, completion."""
