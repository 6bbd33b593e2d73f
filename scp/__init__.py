"""The DICOM node: association, services, completion, durable work, delivery, command line."""
