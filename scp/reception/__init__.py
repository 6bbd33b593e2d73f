"""From association to complete series: who may come in, what is taken, when it is whole."""
