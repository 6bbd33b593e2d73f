"""Candidates: voxels bright enough to be calcium, the rules of the conventions, and the scores."""
