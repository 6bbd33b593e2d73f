"""What is still to go out: of each series in a list, and to each destination."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import DeliveryRow
from storage.database.pause_rows import PauseRow
from storage.outbox.deliveries import DeliveryState

OPEN: Final = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEAD)


@dataclass(frozen=True, slots=True)
class Owed:
    """Documents of a series that have not reached a destination, in one state; `error` is one of the last errors."""

    destination: str
    state: DeliveryState
    count: int
    next_attempt_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Line:
    """A destination: how many deliveries are in each state that is open, since when, and whether it is paused."""

    destination: str
    counts: dict[DeliveryState, int]
    oldest: datetime | None
    next_attempt_at: datetime | None
    failing: int
    error: str
    paused_since: datetime | None
    paused_by: str


def list_owed(db: Database, series_instance_uids: Collection[str]) -> dict[str, list[Owed]]:
    """List what is still to be sent of some series, by Series Instance UID."""
    if not series_instance_uids:
        return {}
    row = DeliveryRow
    query = (
        select(
            row.series_instance_uid,
            row.destination,
            row.state,
            func.count(),
            func.min(row.next_attempt_at, type_=UtcDateTime()),
            func.max(row.last_error),
        )
        .where(row.series_instance_uid.in_(series_instance_uids), row.state.in_(OPEN))
        .group_by(row.series_instance_uid, row.destination, row.state)
        .order_by(row.series_instance_uid, row.destination, row.state)
    )
    found: dict[str, list[Owed]] = {}
    with db.reading() as session:
        for uid, destination, state, count, due, error in session.execute(query):
            found.setdefault(uid, []).append(Owed(destination, DeliveryState(state), count, due, error))
    return found


def list_lines(db: Database, destinations: Collection[str] = ()) -> list[Line]:
    """List the destinations that have something open or are paused, and these, by name."""
    row = DeliveryRow
    query = (
        select(
            row.destination,
            row.state,
            func.count(),
            func.min(row.created_at, type_=UtcDateTime()),
            func.min(row.next_attempt_at, type_=UtcDateTime()),
            func.count().filter(row.last_error != ""),
            func.max(row.last_error),
        )
        .where(row.state.in_((*OPEN, DeliveryState.UNCOMMITTED)))
        .group_by(row.destination, row.state)
    )
    with db.reading() as session:
        pauses = {pause.destination: pause for pause in session.scalars(select(PauseRow))}
        rows = [tuple(row) for row in session.execute(query)]
    names: set[str] = {*destinations, *pauses, *(str(row[0]) for row in rows)}
    return [_join(name, [row for row in rows if row[0] == name], pauses.get(name)) for name in sorted(names)]


def _join(destination: str, rows: Sequence[tuple[Any, ...]], pause: PauseRow | None) -> Line:
    counts = {DeliveryState(state): count for _, state, count, *_ in rows}
    waiting = [row for row in rows if row[1] in (DeliveryState.PENDING, DeliveryState.SENDING)]
    return Line(
        destination=destination,
        counts=counts,
        oldest=min((row[3] for row in waiting), default=None),
        next_attempt_at=min((row[4] for row in waiting), default=None),
        failing=sum(row[5] for row in waiting),
        error=max((row[6] for row in waiting), default=""),
        paused_since=None if pause is None else pause.since,
        paused_by="" if pause is None else pause.person,
    )
