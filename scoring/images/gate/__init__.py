"""The gate before the score: whether the pixels of a volume are whole, consistent and those of slices."""
