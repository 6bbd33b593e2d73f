"""Calibrations of the judgement: fitted, kept unchanged, adopted and reverted by name."""
