"""Reading deliveries: one document on its way to one destination; `outgoing` and `outcomes` change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, func, select

from config.errors import Permanent
from storage.database.engine import Database
from storage.database.models import DeliveryRow
from storage.database.pause_rows import PauseRow


class DeliveryState(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    COMMITTED = "committed"
    """The destination has committed to its storage."""
    UNCOMMITTED = "uncommitted"
    """Delivered, but the destination does not say whether it keeps it."""
    DEAD = "dead"
    DISCARDED = "discarded"
    REPLACED = "replaced"


class UnknownDelivery(Permanent):
    """No delivery has this number, or its state does not allow the change."""


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document to be sent; `path` is relative to the store."""

    series_instance_uid: str
    version: int
    sop_instance_uid: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document on its way to one destination (the peer's name in the configuration).

    `transaction_uid` is that of the last Storage Commitment asked for it, "" for none; `commit_at` is when the next one
    is due, None when there is none. `owner` is the member of the group that claimed it last.
    """

    id: int
    series_instance_uid: str
    version: int
    sop_instance_uid: str
    kind: str
    path: str
    destination: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    last_error: str
    last_status: int | None
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None
    transaction_uid: str = ""
    commit_at: datetime | None = None
    owner: str = ""


def get(db: Database, delivery_id: int) -> Delivery:
    """Return one delivery. Raises UnknownDelivery."""
    with db.reading() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None:
            raise UnknownDelivery(f"no delivery {delivery_id}; `coronode outbox list` shows all deliveries")
        return to_delivery(row)


def list_deliveries(
    db: Database, state: DeliveryState | None = None, *, series_instance_uid: str | None = None, limit: int | None = 100
) -> list[Delivery]:
    """List deliveries, newest first, of one state or series if asked."""
    query = select(DeliveryRow).order_by(DeliveryRow.id.desc()).limit(limit)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    if series_instance_uid is not None:
        query = query.where(DeliveryRow.series_instance_uid == series_instance_uid)
    return _list(db, query)


def count_deliveries(db: Database, state: DeliveryState) -> int:
    """Count the deliveries in a state."""
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(DeliveryRow).where(DeliveryRow.state == state)) or 0


def list_due(db: Database, now: datetime, *, limit: int | None = None) -> list[Delivery]:
    """List pending deliveries that are due to destinations that are not paused, the longest due first."""
    return _list(
        db,
        select(DeliveryRow)
        .where(
            DeliveryRow.state == DeliveryState.PENDING,
            DeliveryRow.next_attempt_at <= now,
            DeliveryRow.destination.not_in(select(PauseRow.destination)),
        )
        .order_by(DeliveryRow.next_attempt_at, DeliveryRow.id)
        .limit(limit),
    )


def _list(db: Database, query: Select[DeliveryRow]) -> list[Delivery]:
    with db.reading() as session:
        return [to_delivery(row) for row in session.scalars(query)]


def to_delivery(row: DeliveryRow) -> Delivery:
    """Convert a row to the value that leaves this package."""
    return Delivery(
        id=row.id,
        series_instance_uid=row.series_instance_uid,
        version=row.version,
        sop_instance_uid=row.sop_instance_uid,
        kind=row.kind,
        path=row.path,
        destination=row.destination,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_error=row.last_error,
        last_status=row.last_status,
        created_at=row.created_at,
        updated_at=row.updated_at,
        delivered_at=row.delivered_at,
        transaction_uid=row.transaction_uid,
        commit_at=row.commit_at,
        owner=row.owner,
    )
