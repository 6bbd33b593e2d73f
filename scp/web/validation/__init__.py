"""Validation: readers' values against ours."""
