"""Durable work on DBOS Transact, which no other package imports."""
