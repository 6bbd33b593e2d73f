"""Validation: what readers found, what is held back, and what was decided on it."""
