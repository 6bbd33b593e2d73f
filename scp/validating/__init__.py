"""Validation at this site: readers' values come in, are paired with ours, and decisions are made on the figures."""
