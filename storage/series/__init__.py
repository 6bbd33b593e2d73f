"""Series: states, slices, results, and earlier results of the same patient."""
