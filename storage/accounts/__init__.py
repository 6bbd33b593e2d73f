"""Accounts of people, their sessions, tokens of machines: who may use the pages, never a password or a token itself."""
