"""The structured report, written and read."""
