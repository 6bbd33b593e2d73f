"""Deleting what the configuration no longer wants to keep."""
