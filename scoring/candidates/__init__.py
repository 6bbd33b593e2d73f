"""What is bright enough to be calcium, under which rules, and what it scores."""
