"""How far the readers of the audit log have got: one row a reader, which is also its lock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.database.auditing_rows import AuditReaderRow
from storage.database.engine import Database


def find_position(db: Database, name: str) -> int | None:
    """Return how far a reader has got; None for one that has never read."""
    with db.reading() as session:
        return session.scalar(select(AuditReaderRow.position).where(AuditReaderRow.name == name))


def move(db: Database, name: str, position: int, now: datetime) -> None:
    """Record how far a reader has got."""
    with db.session() as session:
        row = lock(session, name, now)
        row.position, row.updated_at = position, now


def lock(session: Session, name: str, now: datetime, *, first: int = 0) -> AuditReaderRow:
    """Return a reader's row for the rest of the transaction, in which nobody else has it; `first` for a new reader."""
    row = session.get(AuditReaderRow, name, with_for_update=True)
    if row is None:
        row = AuditReaderRow(name=name, position=first, updated_at=now)
        session.add(row)
        session.flush()
    return row
