"""Matching over the index (PS3.4 C.2.2)."""
