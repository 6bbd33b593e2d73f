"""Checking that index and objects agree, beside a node that works: what changes meanwhile is looked at twice."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Select, func, select, text

from config.errors import Permanent
from dicom.part10 import read_meta
from storage.backup.copying import find_source
from storage.backup.findings import Finding, Kind
from storage.backup.listing import NameBook
from storage.backup.orphans import find_orphans, refuse_absence
from storage.backup.pace import quietly
from storage.database.engine import Database
from storage.database.models import DeliveryRow, InstanceRow, QuarantineRow
from storage.migrations import HEAD
from storage.objects.digest import Pace, at_any_pace, digest_file
from storage.objects.files import Files
from storage.outbox.deliveries import DeliveryState

_AT_ONCE: Final = 500
_HEAD_BYTES: Final = 65536
_HARM: Final = frozenset({errno.EBADMSG, errno.EUCLEAN, errno.EISDIR, errno.ENOTDIR})
"""What says that the file itself came to harm, not what it lies on, nor who reads it."""
_OWED: Final = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCOMMITTED, DeliveryState.DEAD)
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that names a file; without `transfer_syntax_uid` the file says how it is encoded."""

    table: str
    id: int
    sop_instance_uid: str
    path: str
    size: int
    sha256: str
    transfer_syntax_uid: str | None


def verify(
    database: Database,
    files: Files,
    *,
    quick: bool = False,
    clock: Callable[[], float] = time.time,
    told: Told = quietly,
    pace: Pace = at_any_pace,
) -> Iterator[Finding]:
    """Check the index, every row against its file, every file against the rows, and what is owed to destinations.

    `quick` reads no file: it looks whether each is there in its size. `clock` is the system's, in seconds. Raises
    Permanent while the store is away, Transient when it goes away meanwhile, or the database does not answer.
    """
    if not files.is_present():
        what = "does not answer" if files.is_bucket else "the store of objects is not there; is its disk mounted?"
        raise Permanent(f"{files.place}: {what}")
    if found := find_revision_fault(database):
        yield found
        return
    yield from _check_index(database, quick=quick)
    with NameBook() as named:
        yield from _check_rows(database, files, named, told, quick=quick, pace=pace)
        yield from find_orphans(database, files, named, clock)
    yield from _check_deliveries(database)


def find_revision_fault(database: Database) -> Finding | None:
    """Return the finding that the tables are not those of this version, None where they are."""
    revision = database.read_revision()
    if revision == HEAD:
        return None
    return Finding(Kind.REVISION, "index", f"the tables have revision {revision or 'none'}, this version has {HEAD}")


def _check_index(database: Database, *, quick: bool) -> Iterator[Finding]:
    """Let SQLite check its file; a server of PostgreSQL looks after its own."""
    if database.engine.dialect.name != "sqlite":
        return
    with database.reading() as session:
        for (words,) in session.execute(text(f"PRAGMA {'quick_check' if quick else 'integrity_check'}(20)")):
            if words != "ok":
                yield Finding(Kind.INDEX, "index", str(words))
        for table, row, parent, _ in session.execute(text("PRAGMA foreign_key_check")):
            yield Finding(Kind.INDEX, f"{table} {row}", f"names a row of {parent} that is not there")


def _check_rows(
    database: Database, files: Files, named: NameBook, told: Told, *, quick: bool, pace: Pace
) -> Iterator[Finding]:
    total, done = _count(database), 0
    for table in (InstanceRow, QuarantineRow):
        last = 0
        while rows := _read_rows(database, table, last):
            last = rows[-1].id
            named.add(row.path for row in rows)
            for row in rows:
                done += 1
                found = _check_file(files, row, quick=quick, pace=pace)
                # a file that was moved meanwhile has another name in its row by now
                if found and _is_unchanged(database, table, row):
                    yield from _look_again(files, row, found, quick=quick, pace=pace)
            told(done, max(done, total))


def _look_again(files: Files, row: _Row, first: Finding, *, quick: bool, pace: Pace) -> Iterator[Finding]:
    """Yield what is found at a second look; what was read wrong once is told in any case.

    Raises Transient when the store is away: that is no loss.
    """
    found = _check_file(files, row, quick=quick, pace=pace) or (first if first.kind is Kind.DAMAGED else None)
    if found:
        with refuse_absence(files):
            files.check()
        yield found


def confirm(database: Database, files: Files, found: Finding) -> bool:
    """Return whether the file of an object is still as it was found. Raises Transient."""
    table = InstanceRow if found.table == InstanceRow.__tablename__ else QuarantineRow
    for row in _read_rows(database, table, found.row - 1, most=1):
        if (row.id, row.path) == (found.row, found.name):
            again = _check_file(files, row, quick=False, pace=at_any_pace)
            return again is not None and again.kind is found.kind
    return False


def _count(database: Database) -> int:
    with database.reading() as session:
        return sum(
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (InstanceRow, QuarantineRow)
        )


def _read_rows(
    database: Database, table: type[InstanceRow | QuarantineRow], after: int, most: int = _AT_ONCE
) -> Sequence[_Row]:
    """Read some rows by their numbers, in a transaction of its own: a check lasts hours, a transaction must not."""
    columns = (table.id, table.sop_instance_uid, table.path, table.size, table.sha256)
    if table is InstanceRow:
        query = select(*columns, InstanceRow.transfer_syntax_uid)
    else:
        query = select(*columns, text("NULL"))
    query = query.where(table.id > after).order_by(table.id).limit(most)
    with database.reading() as session:
        return [_Row(table.__tablename__, *row) for row in session.execute(query)]


def _is_unchanged(database: Database, table: type[InstanceRow | QuarantineRow], row: _Row) -> bool:
    with database.reading() as session:
        return session.scalar(select(table.path).where(table.id == row.id)) == row.path


def _check_file(files: Files, row: _Row, *, quick: bool, pace: Pace) -> Finding | None:
    def report(kind: Kind, words: str) -> Finding:
        return Finding(kind, row.sop_instance_uid, words, table=row.table, row=row.id, name=row.path)

    try:
        # a file of another size may hold the same data set: it was written anew for another sender, whom it names
        if quick and (seen := files.look_at(row.path)) and seen.size == row.size:
            return None
        path = find_source(files, row.path, row.size)
        size = path.stat().st_size
        if row.sha256 not in digest_file(path, _find_transfer_syntax(path, row), pace=pace):
            what = "other bytes than" if size == row.size else f"{size} bytes, not the {row.size} that"
            return report(Kind.DAMAGED, f"its file has {what} were received: {row.path}")
    except FileNotFoundError:
        return report(Kind.MISSING, f"its file is not in the store: {row.path}")
    except OSError as error:
        kind = Kind.DAMAGED if error.errno in _HARM else Kind.UNREADABLE
        return report(kind, f"its file cannot be read ({error.strerror or error}): {row.path}")
    except ValueError as error:
        return report(Kind.DAMAGED, f"{error}: {row.path}")
    return None


def _find_transfer_syntax(path: Path, row: _Row) -> str:
    if row.transfer_syntax_uid is not None:
        return row.transfer_syntax_uid
    with path.open("rb") as file:
        return read_meta(file.read(_HEAD_BYTES)).transfer_syntax_uid


def _check_deliveries(database: Database) -> Iterator[Finding]:
    """Find documents that are owed to a destination and that the index does not hold."""
    query = (
        select(DeliveryRow.sop_instance_uid, DeliveryRow.destination, DeliveryRow.id)
        .outerjoin(InstanceRow, InstanceRow.sop_instance_uid == DeliveryRow.sop_instance_uid)
        .where(DeliveryRow.state.in_(_OWED), InstanceRow.id.is_(None))
        .order_by(DeliveryRow.id)
    )
    for rows in database.rows(cast("Select[Any]", query), batch=_AT_ONCE):
        for uid, destination, number in rows:
            yield Finding(Kind.DELIVERY, uid, f"delivery {number} owes it to {destination}, and it is not in the index")
