"""Parts of `bench/accuracy.py`: what was found against what is true, in numbers, tables and pictures."""
