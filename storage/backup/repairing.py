"""Putting right what a check found: files without a row go to lost+found, rows without a file go out of the index.

An object whose bytes are gone is not claimed any longer: queries do not offer it, and when it is sent again it is
stored as a new one. The audit log keeps its UID.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from config.errors import Permanent
from storage.backup.findings import Finding, Kind
from storage.database import audit
from storage.database.engine import Database
from storage.database.lifecycle_rows import DocumentRow
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow
from storage.objects.disk import make_folder, sync_folder
from storage.objects.files import Files
from storage.series.documents import count_hidden

LOST: Final = "lost+found"
REPAIRABLE: Final = frozenset({Kind.MISSING, Kind.DAMAGED, Kind.ORPHAN})


def repair(database: Database, files: Files, findings: Sequence[Finding], now: datetime) -> int:
    """Repair what can be repaired and return how much that was; damaged files are kept in lost+found, too.

    Raises Permanent for a bucket, Transient when the database does not take the change, OSError.
    """
    if files.is_bucket:
        raise Permanent(f"{files.place}: a bucket is not repaired; send the objects again that verify names")
    done = 0
    for found in findings:
        if found.kind is Kind.ORPHAN:
            done += _set_aside(files, found.name)
        elif found.kind in REPAIRABLE:
            # the row first: a row without a file is found again, a file without a row is harmless
            done += _forget(database, found, now)
            _set_aside(files, found.name)
    return done


def _set_aside(files: Files, name: str) -> bool:
    """Move a file to lost+found, under its name in the store; False where there is none."""
    source = files.root / name
    target = files.root / LOST / name
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        source.lstat()
        make_folder(target.parent)
        source.replace(_find_free(target))
        sync_folder(target.parent)
        return True
    return False


def _find_free(path: Path) -> Path:
    """Return a path that is not in use: what is lost twice is kept twice."""
    names = (path.name, *(f"{path.name}.{number}" for number in range(1, 1000)))
    return next(free for free in map(path.with_name, names) if not free.exists())


def _forget(database: Database, found: Finding, now: datetime) -> bool:
    with database.session() as session:
        if found.table == QuarantineRow.__tablename__:
            gone = session.execute(
                delete(QuarantineRow)
                .where(QuarantineRow.id == found.row, QuarantineRow.path == found.name)
                .returning(QuarantineRow.series_instance_uid)
            ).scalar()
        else:
            gone = _forget_instance(session, found)
        if gone is None:
            return False
        audit.record(session, now, "lost", found.kind, series_instance_uid=gone, sop_instance_uid=found.about)
    return True


def _forget_instance(session: Session, found: Finding) -> str | None:
    """Take an object out of its series; return the series' UID, None where the row has changed meanwhile."""
    series_id = session.execute(
        delete(InstanceRow)
        .where(InstanceRow.id == found.row, InstanceRow.path == found.name)
        .returning(InstanceRow.series_id)
    ).scalar()
    if series_id is None:
        return None
    session.execute(delete(DocumentRow).where(DocumentRow.sop_instance_uid == found.about))
    left = select(func.count()).select_from(InstanceRow).where(InstanceRow.series_id == series_id).scalar_subquery()
    session.execute(update(SeriesRow).where(SeriesRow.id == series_id).values(instance_count=left))
    count_hidden(session, {series_id})
    return session.scalar(select(SeriesRow.series_instance_uid).where(SeriesRow.id == series_id))
