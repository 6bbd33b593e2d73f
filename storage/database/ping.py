"""Asking the database whether it answers."""

from __future__ import annotations

from sqlalchemy import text

from storage.database.engine import Database


def ping(db: Database) -> None:
    """Read from the database. Raises Transient when it does not answer."""
    with db.reading() as session:
        session.execute(text("SELECT 1"))
