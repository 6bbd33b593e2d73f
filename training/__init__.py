"""Training of the anatomy nets from synthetic thoraxes alone; not shipped."""
