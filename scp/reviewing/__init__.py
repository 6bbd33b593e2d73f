"""Reviewing: scans opened for review, edits kept, results signed."""
