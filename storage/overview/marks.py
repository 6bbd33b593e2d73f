"""Marks that change when what pages show has changed, so cheap that they can be looked at each second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from storage.auditing import statements
from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import AuditRow, DeliveryRow, QuarantineRow, SeriesRow
from storage.outbox.deliveries import DeliveryState
from storage.series.states import State

SEEN: Final = (
    "viewed",
    "listed",
    "queried",
    statements.QUERIED,
    statements.RETRIEVED,
    statements.PEER_RETRIEVING,
    statements.PEER_RETRIEVED,
    statements.REFUSED,
)
"""Events of the audit log that tell of somebody who looked or asked, and of no change."""

_LOOK_BACK: Final = 2000
"""Events among which the last change is looked for: a peer may ask all night."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of all series, and of the outbox with the quarantine; another value means a change."""

    series: tuple[object, ...]
    outbox: tuple[object, ...]


def read_marks(db: Database) -> Marks:
    """Read the marks, each the end of an index or a few rows. Raises Transient."""
    newest = select(func.max(AuditRow.id)).scalar_subquery()
    event = (
        select(AuditRow.id)
        .where(AuditRow.kind.not_in(SEEN), AuditRow.id > newest - _LOOK_BACK)
        .order_by(AuditRow.id.desc())
        .limit(1)
    )
    waits = select(func.count(), func.max(SeriesRow.wait_until)).where(SeriesRow.state == State.RECEIVING)
    due = select(func.max(DeliveryRow.next_attempt_at, type_=UtcDateTime())).where(
        DeliveryRow.state == DeliveryState.PENDING
    )
    with db.reading() as session:
        latest: int | None = session.scalar(event)
        received: datetime | None = session.scalar(select(func.max(SeriesRow.last_received_at, type_=UtcDateTime())))
        waiting = tuple(session.execute(waits).one())
        moment: datetime | None = session.scalar(due)
        aside: int | None = session.scalar(select(func.max(QuarantineRow.id)))
    return Marks((latest, received, *waiting, moment), (latest, moment, aside))
