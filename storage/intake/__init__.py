"""From object to row: many objects are committed together."""
