"""Audit messages of PS3.15 A.5, to files or to a collector."""
