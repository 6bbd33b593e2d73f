"""Noting in the index that a backup is whole: the node's monitor tells from it how old the last one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, update

from storage.database.backup_rows import SINCE, BackupRow
from storage.database.engine import Database

_ONLY: Final = 1


@dataclass(frozen=True, slots=True)
class Noted:
    """A whole backup: the moment of the index in it, and when it had ended, in UTC."""

    taken_at: datetime
    ended_at: datetime


def note_backup(db: Database, noted: Noted) -> bool:
    """Note a whole backup in place of the one before; False where the tables are too old for it. Raises Transient."""
    if (db.read_revision() or "") < SINCE:
        return False
    values = {"taken_at": noted.taken_at, "ended_at": noted.ended_at}
    with db.session() as session:
        known = session.execute(
            update(BackupRow).where(BackupRow.id == _ONLY).values(**values).returning(BackupRow.id)
        ).first()
        if known is None:
            session.execute(insert(BackupRow).values(id=_ONLY, **values))
    return True


def find_backup(db: Database) -> Noted | None:
    """Return the last whole backup of this index; None where there was none since it was made, or restored."""
    with db.reading() as session:
        row = session.get(BackupRow, _ONLY)
        return None if row is None else Noted(row.taken_at, row.ended_at)
