"""DICOM services of the node: one module per family of SOP classes."""
