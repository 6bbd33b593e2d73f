"""What is known of a series: its states, slices, results, and earlier results of the same patient."""
