"""Parts of `bench/accuracy.py`: measured against true results, in numbers, tables and pictures."""
