"""Calcium scoring of one CT series: from DICOM files to a `Score` and its documents."""

from config.isolation import isolate_process

# a program that imports this package has no start of ours, and an engine may be anyone's: so before any of it is loaded
isolate_process()
