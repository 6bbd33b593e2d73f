"""Copies of index and objects that agree with each other, and the check of both."""
