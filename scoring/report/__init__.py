"""Documents made from a score."""
