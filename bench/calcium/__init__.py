"""Measures of coronary calcifications, of real scans and of phantoms."""
