"""A disk that loses whatever was not synchronised, modelled from the system calls of a node."""
