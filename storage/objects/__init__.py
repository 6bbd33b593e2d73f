"""One DICOM object: its file, and the part of its header that is indexed."""
