"""How much stands in each stage of the way, and since when the oldest has waited there: figures for monitors.

Each is read from an index, or from the few rows that wait: the whole takes milliseconds on an index of years.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import DeliveryRow, QuarantineRow, SeriesRow
from storage.outbox.deliveries import DeliveryState
from storage.series.states import State

WAITING: Final = (State.RECEIVING, State.COMPLETE, State.SCORING)
"""States in which a series does not stay."""
UNSENT: Final = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEAD)
"""States of deliveries that have not reached their destination, and may yet."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """Deliveries in one state to one destination: how many, and when the oldest was entered in the outbox."""

    destination: str
    state: DeliveryState
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Stages:
    """What is where.

    `series` counts by state; `waiting_since` is since when the oldest series of a state has waited, for the states of
    `WAITING` that have one: the beginning of its reception, or its completion. `last_received` is None before a first
    series was received; what the node made does not count.
    """

    series: Mapping[State, int]
    waiting_since: Mapping[State, datetime]
    unsent: tuple[Unsent, ...]
    quarantined: int
    last_received: datetime | None


def read_stages(db: Database) -> Stages:
    """Read all figures from one state of the database. Raises Transient."""
    with db.reading() as session:
        return Stages(
            series=_count_series(session),
            waiting_since=_find_waiting(session),
            unsent=_list_unsent(session),
            quarantined=session.scalar(select(func.count()).select_from(QuarantineRow)) or 0,
            last_received=session.scalar(
                select(SeriesRow.last_received_at)
                .where(SeriesRow.origin == "received")
                .order_by(SeriesRow.last_received_at.desc())
                .limit(1)
            ),
        )


def _count_series(session: Session) -> dict[State, int]:
    query = select(SeriesRow.state, func.count()).group_by(SeriesRow.state)
    return {State(state): count for state, count in session.execute(query)}


def _find_waiting(session: Session) -> dict[State, datetime]:
    """Find since when each state's oldest waits; only the rows of that state are read, through its index."""
    oldest: dict[State, datetime] = {}
    for state in WAITING:
        since = SeriesRow.updated_at if state is State.RECEIVING else SeriesRow.completed_at
        waits = SeriesRow.state == state, SeriesRow.instance_count > SeriesRow.hidden_count
        found = session.scalar(select(func.min(since, type_=UtcDateTime())).where(*waits))
        if found is not None:
            oldest[state] = found
    return oldest


def _list_unsent(session: Session) -> tuple[Unsent, ...]:
    query = (
        select(
            DeliveryRow.destination,
            DeliveryRow.state,
            func.count(),
            func.min(DeliveryRow.created_at, type_=UtcDateTime()),
        )
        .where(DeliveryRow.state.in_(UNSENT))
        .group_by(DeliveryRow.destination, DeliveryRow.state)
        .order_by(DeliveryRow.destination, DeliveryRow.state)
    )
    return tuple(
        Unsent(destination, DeliveryState(state), count, oldest)
        for destination, state, count, oldest in session.execute(query)
    )
