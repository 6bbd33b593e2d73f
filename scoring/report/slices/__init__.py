"""A slice as a grey picture with what was counted outlined: the same in the pictures and in the printed report."""
