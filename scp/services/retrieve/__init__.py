"""Retrieve service (PS3.4 annex C): C-MOVE and C-GET in the Patient Root and Study Root models."""
