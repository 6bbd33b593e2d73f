"""Putting right what a check found: files without a row go to lost+found, rows without a file go out of the index.

An object whose bytes are gone is not claimed any longer: queries do not offer it, and when it is sent again it is
stored as a new one. The audit log keeps its UID.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage.backup.findings import Finding, Kind
from storage.backup.orphans import is_old, list_unnamed, refuse_absence
from storage.backup.verifying import confirm
from storage.database import audit
from storage.database.engine import Database
from storage.database.lifecycle_rows import DocumentRow
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow
from storage.objects.files import Files
from storage.series.documents import count_hidden


def repair(database: Database, files: Files, findings: Sequence[Finding], now: datetime) -> int:
    """Repair what can be repaired and return how much that was; damaged files are kept in lost+found, too.

    What has changed since it was found is left alone. Raises Transient when the store has gone away or the database
    does not take the change.
    """
    done = 0
    with refuse_absence(files):
        for found in findings:
            if found.kind in REPAIRABLE:
                files.check()
                done += _REPAIRS[found.kind](database, files, found, now)
    return done


def _move_orphan(database: Database, files: Files, found: Finding, now: datetime) -> bool:
    """Move a file that still belongs to nothing; one that has come again meanwhile is young."""
    is_orphan = list_unnamed(database, [found.name]) and is_old(files, found.name, now.timestamp())
    return bool(is_orphan) and files.set_aside(found.name)


def _drop_object(database: Database, files: Files, found: Finding, now: datetime) -> bool:
    """Take an object out of the index whose file is still missing or damaged, and move a damaged one."""
    if not confirm(database, files, found) or not _forget(database, found, now):
        return False
    # the row first: a row without a file is found again, a file without a row is harmless
    files.set_aside(found.name)
    return True


_REPAIRS: Final = {Kind.ORPHAN: _move_orphan, Kind.MISSING: _drop_object, Kind.DAMAGED: _drop_object}
REPAIRABLE: Final = frozenset(_REPAIRS)


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
