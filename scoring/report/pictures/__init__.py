"""The result as Secondary Capture: first pages set by `typeset`, a page drawn for each slice with calcium."""
