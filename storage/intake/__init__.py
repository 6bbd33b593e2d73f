"""From object to row, committed in groups."""
