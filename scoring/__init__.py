"""Calcium scoring of one CT series: from DICOM files to a `Score` and its documents."""
