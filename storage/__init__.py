"""Persistent data: files, index, series states, outbox."""
