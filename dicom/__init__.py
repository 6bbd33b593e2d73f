"""Pure DICOM, which all packages build on: element values, text, encoding, Part 10, status codes, UIDs, dates."""
