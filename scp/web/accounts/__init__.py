"""Accounts: who may see and do what."""
