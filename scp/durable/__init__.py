"""Durable work on DBOS Transact, imported by no other package."""

from config.isolation import isolate_process

# DBOS Transact reads its switch when it is imported, and only this package imports it
isolate_process()
