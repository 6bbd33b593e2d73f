"""From candidates to a score: what each is, in which artery, how certain that is, and what they add up to."""
