"""Overview: what is here, what waits and why, what needs a person."""
