"""A site's own readings refit the judgement: what was seen, what readers said of it, the fit, and what it gains."""
