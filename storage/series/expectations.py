"""What others say that a series holds, compared with what is stored.

A scanner names the images of the series that it has finished, a request for Storage Commitment those that its sender
has sent, and the archive that a series comes from has counted it. All of it stands in the tables, so that a restart
changes nothing. What was announced is kept for `KEEP`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from storage.database.announcement_rows import ExpectationRow, ExpectedInstanceRow
from storage.database.engine import Database, writing
from storage.database.models import InstanceRow, SeriesRow
from storage.series.reopening import reopen

Source = Literal["mpps", "commitment", "witness"]

KEEP: Final = timedelta(days=30)
MOST_FORGOTTEN: Final = 10


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a source says that a series holds: the SOP Instance UIDs of its images, or the number of its objects.

    `origin` is the statement within its source: the UID of the procedure step or of the transaction, the name of the
    peer. A later announcement with the same source and origin takes its place. A `final` one is the source's last word:
    once everything is here, the series need not be quiet any longer. Any other only says what is missing.
    """

    series_instance_uid: str
    source: Source
    origin: str
    objects: frozenset[str] | int
    final: bool = True

    @property
    def count(self) -> int:
        """How many objects are announced."""
        return self.objects if isinstance(self.objects, int) else len(self.objects)


@dataclass(frozen=True, slots=True)
class Expectation:
    """An announcement as it stands: `missing` of `expected` objects are not stored."""

    source: Source
    origin: str
    expected: int
    missing: int
    final: bool


def announce(where: Database | Session, announcement: Announcement, now: datetime) -> None:
    """Record an announcement of a series, known yet or not; the caller then tells the completion check of it.

    A series that was complete returns to receiving when a final announcement misses more of it than any before: its
    score would not tell of that. Raises Transient when the database does not take it.
    """
    with writing(where) as session, _reopening(session, announcement.series_instance_uid, now):
        _save(session, announcement, now)


def finish(where: Database | Session, source: Source, origin: str, now: datetime) -> None:
    """Make what this source and origin announced its last word, of every series; raises as `announce` does."""
    with writing(where) as session:
        rows = select(ExpectationRow.id, ExpectationRow.series_instance_uid).where(_is(source, origin))
        for row_id, series_instance_uid in session.execute(rows).all():
            with _reopening(session, series_instance_uid, now):
                session.execute(update(ExpectationRow).where(ExpectationRow.id == row_id).values(final=True))


def withdraw(where: Database | Session, source: Source, origin: str) -> None:
    """Forget what this source and origin announced, of every series."""
    with writing(where) as session:
        _delete(session, session.scalars(select(ExpectationRow.id).where(_is(source, origin))).all())


def list_expectations(where: Database | Session, series_instance_uid: str) -> list[Expectation]:
    """List what is announced of a series and how much of it is stored, in order of announcement.

    Named images are looked for by their UIDs; a number is compared with all objects of the series (PS3.4 C.3.4).
    """
    if isinstance(where, Database):
        with where.reading() as session:
            return list_expectations(session, series_instance_uid)
    absent = (
        select(func.count())
        .select_from(ExpectedInstanceRow)
        .where(
            ExpectedInstanceRow.expectation_id == ExpectationRow.id,
            ~exists().where(InstanceRow.sop_instance_uid == ExpectedInstanceRow.sop_instance_uid),
        )
        .correlate(ExpectationRow)
        .scalar_subquery()
    )
    stored = (
        select(func.count(InstanceRow.id))
        .join(SeriesRow)
        .where(SeriesRow.series_instance_uid == series_instance_uid)
        .scalar_subquery()
    )
    missing = case((ExpectationRow.named, absent), else_=ExpectationRow.count - stored)
    # a sender may ask for commitment part by part: what names a part of the series is no last word
    covers = or_(ExpectationRow.source != "commitment", stored <= ExpectationRow.count)
    query = (
        select(
            ExpectationRow.source, ExpectationRow.origin, ExpectationRow.count, missing, ExpectationRow.final & covers
        )
        .where(ExpectationRow.series_instance_uid == series_instance_uid)
        .order_by(ExpectationRow.id)
    )
    return [
        Expectation(cast("Source", source), origin, expected, max(0, absent_now), final)
        for source, origin, expected, absent_now, final in where.execute(query)
    ]


def find_announced(db: Database, series_instance_uids: Collection[str]) -> set[str]:
    """Find those of some series of which a source has said its last word."""
    query = select(ExpectationRow.series_instance_uid).where(
        ExpectationRow.series_instance_uid.in_(series_instance_uids), ExpectationRow.final
    )
    with db.reading() as session:
        return set(session.scalars(query))


def forget_before(where: Database | Session, limit: datetime) -> None:
    """Forget what was announced before `limit`: the oldest, `MOST_FORGOTTEN` at a time, each with thousands of UIDs."""
    old = select(ExpectationRow.id).where(ExpectationRow.announced_at < limit).order_by(ExpectationRow.announced_at)
    with writing(where) as session:
        _delete(session, session.scalars(old.limit(MOST_FORGOTTEN)).all())


def _save(session: Session, announcement: Announcement, now: datetime) -> None:
    """Write the announcement over an earlier one of its source and origin."""
    named = not isinstance(announcement.objects, int)
    values = {"count": announcement.count, "named": named, "final": announcement.final, "announced_at": now}
    mine = (
        ExpectationRow.series_instance_uid == announcement.series_instance_uid,
        _is(announcement.source, announcement.origin),
    )
    row_id = session.scalar(update(ExpectationRow).where(*mine).values(**values).returning(ExpectationRow.id))
    if row_id is None:
        query = insert(ExpectationRow).values(
            series_instance_uid=announcement.series_instance_uid,
            source=announcement.source,
            origin=announcement.origin,
            **values,
        )
        row_id = session.execute(query.returning(ExpectationRow.id)).scalar_one()
    session.execute(delete(ExpectedInstanceRow).where(ExpectedInstanceRow.expectation_id == row_id))
    if not isinstance(announcement.objects, int) and announcement.objects:
        rows = [{"expectation_id": row_id, "sop_instance_uid": uid} for uid in announcement.objects]
        session.execute(insert(ExpectedInstanceRow), rows)


@contextmanager
def _reopening(session: Session, series_instance_uid: str, now: datetime) -> Iterator[None]:
    """Return a series that was complete to receiving if more of it is missing after the block than was known before."""
    known = _find_most_missing(session, series_instance_uid)
    yield
    if _find_most_missing(session, series_instance_uid) > known:
        reopen(session, series_instance_uid, now)


def _find_most_missing(session: Session, series_instance_uid: str) -> int:
    return max((item.missing for item in list_expectations(session, series_instance_uid) if item.final), default=0)


def _is(source: Source, origin: str) -> ColumnElement[bool]:
    return and_(ExpectationRow.source == source, ExpectationRow.origin == origin)


def _delete(session: Session, ids: Sequence[int]) -> None:
    if not ids:
        return
    session.execute(delete(ExpectedInstanceRow).where(ExpectedInstanceRow.expectation_id.in_(ids)))
    session.execute(delete(ExpectationRow).where(ExpectationRow.id.in_(ids)))
