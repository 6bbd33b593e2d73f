"""One DICOM object: where its bytes lie, and what of its header is indexed."""
