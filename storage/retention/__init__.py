"""What may be deleted by age, state and kind, and its deletion."""
