"""Durable work on DBOS Transact, imported by no other package."""
