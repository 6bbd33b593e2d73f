"""Asking the database whether it answers, and how large it is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from storage.database.engine import Database


def ping(db: Database) -> None:
    """Read from the database. Raises Transient when it does not answer."""
    with db.reading() as session:
        session.execute(text("SELECT 1"))


def measure_database(db: Database) -> int:
    """Return how many bytes the database takes on its disk. Raises Transient when it does not answer."""
    if db.engine.dialect.name == "sqlite":
        file = Path(db.engine.url.database or "")
        parts = [file.with_name(file.name + suffix) for suffix in ("", "-wal", "-shm")]
        return sum(part.stat().st_size for part in parts if part.exists())
    with db.reading() as session:
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
