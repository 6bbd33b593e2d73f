"""DICOM over TLS (PS3.15 annexes B.12 and B.13): profiles, credentials, and the bytes of a secure connection."""
