"""Files whose rows are gone: noted in the transaction that deletes the rows, removed after it.

A crash in between leaves a file that is still noted, never a row without its file. A note is kept for a while after the
removal: an object that comes again has the name of the deleted one, and its file may have been written before the
removal and be registered after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from config.errors import Rejected, Transient, describe_fault
from dicom import status
from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow
from storage.database.retention_rows import RemovalRow
from storage.objects.disk import refuse_on_errors
from storage.objects.files import Files

REMEMBERED: Final = timedelta(hours=1)
"""How long a removal is remembered: longer than any object is on its way from its file to its row."""
_AT_ONCE: Final = 100
"""Files in one transaction, which keeps every other writer waiting."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What was removed from the disk: files, and their bytes."""

    files: int = 0
    bytes: int = 0


def note_instances(session: Session, ids: Sequence[int], now: datetime) -> Freed:
    """Note the files of objects (IDs of their rows), which the caller deletes in the same transaction."""
    columns = (InstanceRow.path, InstanceRow.size, SeriesRow.series_instance_uid)
    rows = session.execute(select(*columns).join(SeriesRow).where(InstanceRow.id.in_(ids))).all()
    return _note(session, [(path, size, uid) for path, size, uid in rows], now)


def note_series(session: Session, series_id: int, now: datetime) -> Freed:
    """Note the files of all objects of a series (ID of its row), which the caller deletes in the same transaction."""
    of_series = InstanceRow.series_id == series_id
    number, total = session.execute(
        select(func.count(), func.coalesce(func.sum(InstanceRow.size), 0, type_=BigInteger())).where(of_series)
    ).one()
    stamp = literal(now, UtcDateTime())
    files = select(InstanceRow.path, InstanceRow.size, SeriesRow.series_instance_uid, stamp)
    session.execute(
        insert(RemovalRow).from_select(
            ["path", "size", "series_instance_uid", "noted_at"], files.join(SeriesRow).where(of_series)
        )
    )
    return Freed(number, int(total))


def note_quarantined(session: Session, ids: Sequence[int], now: datetime) -> Freed:
    """Note the files of objects in quarantine, which the caller deletes in the same transaction."""
    columns = (QuarantineRow.path, QuarantineRow.size, QuarantineRow.series_instance_uid)
    rows = session.execute(select(*columns).where(QuarantineRow.id.in_(ids))).all()
    return _note(session, [(path, size, uid) for path, size, uid in rows], now)


def reclaim(session: Session, files: Files, name: str) -> None:
    """Keep the file of an object that has come again under the name of a deleted one, in its own transaction.

    Raises Rejected (0xA700) when the file has just been removed: it has to be sent again.
    """
    if withdraw(session, name) and not _has(files, name):
        raise Rejected(status.OUT_OF_RESOURCES, "the object was being deleted while it came; send it again")


def _has(files: Files, name: str) -> bool:
    with refuse_on_errors():
        return files.has(name)


def withdraw(session: Session, name: str) -> bool:
    """Forget in the caller's transaction that a name was to be removed, and return whether it was."""
    return bool(session.scalars(delete(RemovalRow).where(RemovalRow.path == name).returning(RemovalRow.id)).all())


def count(session: Session, series_instance_uid: str) -> int:
    """Count the files of a series that are to be removed, or were within the last hour."""
    query = select(func.count()).where(RemovalRow.series_instance_uid == series_instance_uid)
    return session.scalar(query) or 0


def count_left(db: Database) -> int:
    """Count the files that are still to be removed."""
    with db.reading() as session:
        return session.scalar(select(func.count()).where(RemovalRow.removed_at.is_(None))) or 0


def list_noted(session: Session, names: Sequence[str]) -> list[str]:
    """List those of some names whose files are still to be removed."""
    noted = select(RemovalRow.path).where(RemovalRow.path.in_(names), RemovalRow.removed_at.is_(None))
    return list(session.scalars(noted))


def are_remembered(db: Database) -> bool:
    """Return whether something was deleted within the last hour."""
    with db.reading() as session:
        return session.scalar(select(RemovalRow.id).limit(1)) is not None


def carry_out(db: Database, files: Files, now: datetime) -> Freed:
    """Remove the files that are noted, and forget old removals; repeating it is harmless.

    Raises Transient when disk or database do not take the change; what is left is removed the next time.
    """
    freed = Freed()
    while True:
        some = _remove_some(db, files, now)
        if not some.files:
            break
        freed = Freed(freed.files + some.files, freed.bytes + some.bytes)
    _forget(db, files, now)
    return freed


def _note(session: Session, rows: Sequence[tuple[str, int, str]], now: datetime) -> Freed:
    if rows:
        values = [
            {"path": path, "size": size, "series_instance_uid": uid, "noted_at": now, "removed_at": None}
            for path, size, uid in rows
        ]
        session.execute(insert(RemovalRow), values)
    return Freed(len(rows), sum(size for _, size, _ in rows))


def _remove_some(db: Database, files: Files, now: datetime) -> Freed:
    """Remove files inside a transaction: whoever registers one of these names waits, and then sees the outcome."""
    due = select(RemovalRow.id).where(RemovalRow.removed_at.is_(None)).order_by(RemovalRow.id).limit(_AT_ONCE)
    with db.session() as session:
        rows = session.execute(
            update(RemovalRow)
            .where(RemovalRow.id.in_(session.scalars(due).all()), RemovalRow.removed_at.is_(None))
            .values(removed_at=now)
            .returning(RemovalRow.path, RemovalRow.size)
        ).all()
        try:
            files.remove_all([path for path, _ in rows])
            files.sync(path for path, _ in rows if files.path(path).parent.is_dir())
        except OSError as error:
            raise Transient(describe_fault(error)) from error
        except Rejected as error:
            raise Transient(str(error)) from error
    return Freed(len(rows), sum(size for _, size in rows))


def _forget(db: Database, files: Files, now: datetime) -> None:
    """Forget removals of long ago, and drop the folders that they left empty."""
    old = RemovalRow.removed_at < now - REMEMBERED
    with db.reading() as session:
        if session.scalar(select(RemovalRow.id).where(old).limit(1)) is None:
            return
    with db.session() as session:
        names = session.scalars(delete(RemovalRow).where(old).returning(RemovalRow.path)).all()
    for name in {name.rpartition("/")[0]: name for name in names}.values():
        files.drop_folder(name)
