"""DICOM services that the node provides: one family of SOP classes a module."""
