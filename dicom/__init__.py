"""Pure DICOM, the ground floor of all packages: element values, text, encoding, Part 10, status codes, UIDs, dates."""
