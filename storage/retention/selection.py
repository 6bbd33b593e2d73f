"""What the rules select, page by page: what is due, and what is old enough and held for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select

from storage.database.engine import Database
from storage.database.lifecycle_rows import RejectionRow
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from storage.retention.holds import list_asked, list_holds
from storage.retention.rules import YOUNGEST, Hold, Kind, Policy
from storage.series.rejections import in_force
from storage.series.states import State

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A series that is old enough for a rule; without `holds` it is due.

    `touched_at` is when the last object of it came, or its state changed last, whichever is later.
    """

    kind: Kind
    series_id: int
    series_instance_uid: str
    study_instance_uid: str
    state: State
    objects: int
    bytes: int
    received_at: datetime
    touched_at: datetime
    holds: tuple[Hold, ...] = ()


Place = tuple[datetime, int]
"""Where a page ends."""


def find_due(
    db: Database, kind: Kind, policy: Policy, now: datetime, *, age: timedelta, after: Place | None = None
) -> list[Candidate]:
    """Find a page of the series that a rule deletes, the longest received first.

    `after` is where the page before ended. Not for quarantine and rejected objects, which belong to no rule of series.
    """
    due = select_due(kind, policy, now, age=age)
    if after is not None:
        received_at, series_id = after
        due = due.where(
            or_(
                SeriesRow.last_received_at > received_at,
                and_(SeriesRow.last_received_at == received_at, SeriesRow.id > series_id),
            )
        )
    with db.reading() as session:
        return [_to_candidate(kind, row) for row in session.execute(_complete(due))]


def list_candidates(db: Database, policy: Policy, now: datetime) -> Iterator[Candidate]:
    """Yield every series that is old enough for a rule, held or not, as `coronode retention show` lists them."""
    for kind, age in policy.list_rules():
        if kind in (Kind.QUARANTINE, Kind.REJECTED):
            continue
        holds = list_holds(kind, policy, now)
        columns = [condition.label(hold) for hold, condition in holds.items()]
        query = _complete(_select_old(kind, now - age)).add_columns(*columns).limit(None)
        with db.reading() as session:
            asked = list_asked(session)
            rows = session.execute(query).all()
            wanted = _find_asked(session.scalars, asked)
        for row in rows:
            found = [hold for hold in holds if getattr(row, hold)]
            if row[0] in wanted and Hold.PROMISED not in found:
                found.append(Hold.PROMISED)
            yield _to_candidate(kind, row, tuple(found))


def select_due(kind: Kind, policy: Policy, now: datetime, *, age: timedelta) -> Select[Any]:
    """Build the SELECT of the IDs of series that a rule deletes now."""
    holds = list_holds(kind, policy, now).values()
    return _select_old(kind, now - max(age, YOUNGEST)).where(*(not_(condition) for condition in holds))


def count_quarantined(db: Database, before: datetime) -> int:
    """Count the objects that lie in quarantine since before a time."""
    with db.reading() as session:
        return session.scalar(select(func.count()).where(QuarantineRow.received_at < before)) or 0


def match_rejected(before: datetime) -> ColumnElement[bool]:
    """Return the condition on `InstanceRow` that a note took an object out before a time, and it counts still."""
    note = exists().where(
        RejectionRow.sop_instance_uid == InstanceRow.sop_instance_uid, RejectionRow.rejected_at < before, in_force()
    )
    later = exists().where(
        RejectionRow.sop_instance_uid == InstanceRow.sop_instance_uid, RejectionRow.rejected_at >= before, in_force()
    )
    return and_(InstanceRow.rejected, InstanceRow.received_at < before, note, not_(later))


def _select_old(kind: Kind, before: datetime) -> Select[Any]:
    """Select the series of a kind that nothing has touched since a time."""
    has_objects = SeriesRow.instance_count > 0
    matched: dict[Kind, tuple[ColumnElement[bool], ...]] = {
        Kind.IMAGES: (SeriesRow.origin == "received", SeriesRow.state.in_(_WITH_RESULT), has_objects),
        Kind.NOT_SCORABLE: (SeriesRow.origin == "received", SeriesRow.state == State.NOT_SCORABLE, has_objects),
        Kind.KEPT: (SeriesRow.origin == "received", SeriesRow.state == State.KEPT),
        Kind.DOCUMENTS: (SeriesRow.origin == "made",),
        Kind.RESULTS: (SeriesRow.origin == "received", SeriesRow.state.in_((*_WITH_RESULT, State.NOT_SCORABLE))),
        Kind.REJECTED: (SeriesRow.hidden_count > 0, has_rejected(before)),
    }
    query = select(SeriesRow.id).where(*matched[kind], SeriesRow.last_received_at < before)
    return query.where(SeriesRow.updated_at < before)


_WITH_RESULT = (State.COMPLETE, State.SCORING, State.SCORED, State.DELIVERED, State.UNDELIVERABLE, State.RECEIVING)


def has_rejected(before: datetime) -> ColumnElement[bool]:
    """Return whether a series has an object that a rejection note took out before a time."""
    return exists().where(InstanceRow.series_id == SeriesRow.id, match_rejected(before))


def _complete(ids: Select[Any]) -> Select[Any]:
    """Select what a candidate tells, in order, a page of it."""
    size = (
        select(func.coalesce(func.sum(InstanceRow.size), 0))
        .where(InstanceRow.series_id == SeriesRow.id)
        .correlate(SeriesRow)
        .scalar_subquery()
    )
    return (
        ids.add_columns(
            SeriesRow.series_instance_uid,
            StudyRow.study_instance_uid,
            SeriesRow.state,
            SeriesRow.instance_count,
            size.label("bytes"),
            SeriesRow.last_received_at,
            SeriesRow.updated_at,
        )
        .join(StudyRow, SeriesRow.study_id == StudyRow.id)
        .order_by(SeriesRow.last_received_at, SeriesRow.id)
        .limit(PAGE)
    )


def _find_asked(scalars: Any, asked: set[str]) -> set[int]:
    """Find the series (IDs of their rows) of objects that peers wait for a promise of."""
    uids, found = sorted(asked), set()
    for first in range(0, len(uids), 500):
        some = uids[first : first + 500]
        found |= set(scalars(select(InstanceRow.series_id).where(InstanceRow.sop_instance_uid.in_(some))))
    return found


def _to_candidate(kind: Kind, row: Any, holds: tuple[Hold, ...] = ()) -> Candidate:
    series_id, uid, study, state, objects, size, received_at, updated_at = row[:8]
    touched_at = max(received_at, updated_at)
    return Candidate(kind, series_id, uid, study, State(state), objects, int(size), received_at, touched_at, holds)
