"""The result as set pages: one template source for print and screen, with its words, fonts, charts and logo.

Pictures and printed documents both take their pages from here and never import each other.
"""
