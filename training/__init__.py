"""Training of the nets that find the anatomy, from synthetic thoraxes alone; not shipped."""
