"""Modules common to all documents: the source's identity, UIDs, the plane of an image, words."""
