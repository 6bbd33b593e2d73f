"""The keeper's looks: what it needs to tell, across restarts, that a clock has jumped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update

from storage.database.engine import Database
from storage.database.retention_rows import RetentionLookRow

_ONLY = 1


@dataclass(frozen=True, slots=True)
class Look:
    """The latest look, and from when on the clock is trusted."""

    looked_at: datetime
    trusted_from: datetime


def find_look(db: Database) -> Look | None:
    """Return the latest look, None before the first one."""
    with db.reading() as session:
        row = session.get(RetentionLookRow, _ONLY)
        return None if row is None else Look(row.looked_at, row.trusted_from)


def note_look(db: Database, look: Look) -> None:
    """Note a look in place of the one before. Raises Transient."""
    values = {"looked_at": look.looked_at, "trusted_from": look.trusted_from}
    with db.session() as session:
        known = session.execute(
            update(RetentionLookRow).where(RetentionLookRow.id == _ONLY).values(**values).returning(RetentionLookRow.id)
        ).first()
        if known is None:
            session.execute(insert(RetentionLookRow).values(id=_ONLY, **values))


def read_database_time(db: Database) -> datetime | None:
    """Return the time of a database server, which has a clock of its own; None for SQLite."""
    if db.engine.dialect.name == "sqlite":
        return None
    with db.reading() as session:
        time: datetime | None = session.scalar(select(func.clock_timestamp()))
        return time
