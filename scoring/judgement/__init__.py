"""From candidates to a score: what each is, whose artery it is, how sure that is, and what it adds up to."""
