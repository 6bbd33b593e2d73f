"""The DICOM node: associations, services, completion, durable work, delivery, command line."""
