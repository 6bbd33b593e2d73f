"""Who takes part in a group of processes on one index, and what each of them has in hand."""
