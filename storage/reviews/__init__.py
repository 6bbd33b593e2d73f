"""Reviews: what readers changed about results, and who signed which version."""
