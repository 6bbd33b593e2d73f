"""What every document has in common: the source's identity, UIDs, the plane of an image, words."""
