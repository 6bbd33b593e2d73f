"""Readers' values against ours for people: figures in words, charts, and the whole as a PDF."""
