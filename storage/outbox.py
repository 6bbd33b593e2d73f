"""Documents on their way: what is to be delivered, to whom, and how it went.

    pending --claim()--> sending --delivered()--> delivered
       ^                    |
       |<-----failed()------+--dead()--> dead --discard()--> discarded
       +---------------------retry()------+

The series follows: delivered when every document of its version is, undeliverable while one is dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from config.errors import Permanent
from storage import audit, series
from storage.database import Database, writing
from storage.models import DeliveryRow


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DISCARDED = "discarded"


class UnknownDelivery(Permanent):
    """No delivery has this number, or it is not in a state that allows the change."""


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document to be sent; `path` is relative to the store."""

    series_uid: str
    version: int
    sop_instance_uid: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document on its way to one destination (the peer's name in the configuration)."""

    id: int
    series_uid: str
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


def add(
    where: Database | Session, documents: Iterable[Document], destinations: Iterable[str], now: datetime
) -> list[int]:
    """Enter every document for every destination and return the deliveries' ids; what is there is left alone."""
    targets = tuple(destinations)
    ids = []
    with writing(where) as session:
        touched = set()
        for document in documents:
            touched.add((document.series_uid, document.version))
            ids += [_enter(session, document, destination, now) for destination in targets]
        for series_uid, version in sorted(touched):
            _settle(session, series_uid, version, now)
    return ids


def get(db: Database, delivery_id: int) -> Delivery:
    """One delivery. Raises UnknownDelivery."""
    with db.reading() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None:
            raise UnknownDelivery(f"no delivery {delivery_id}; `coronode outbox list` shows those that are there")
        return _delivery(row)


def list_deliveries(
    db: Database, state: DeliveryState | None = None, *, series_uid: str | None = None, limit: int = 100
) -> list[Delivery]:
    """Deliveries, the newest first, of one state or series if asked."""
    query = select(DeliveryRow).order_by(DeliveryRow.id.desc()).limit(limit)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    if series_uid is not None:
        query = query.where(DeliveryRow.series_uid == series_uid)
    return _several(db, query)


def due(db: Database, now: datetime, *, limit: int = 100) -> list[Delivery]:
    """Pending deliveries whose time has come, the longest due first."""
    return _several(
        db,
        select(DeliveryRow)
        .where(DeliveryRow.state == DeliveryState.PENDING, DeliveryRow.next_attempt_at <= now)
        .order_by(DeliveryRow.next_attempt_at, DeliveryRow.id)
        .limit(limit),
    )


def open_deliveries(db: Database) -> list[Delivery]:
    """Every delivery that is still to be made, due or not: what a start of the node must take up again."""
    states = (DeliveryState.PENDING, DeliveryState.SENDING)
    return _several(db, select(DeliveryRow).where(DeliveryRow.state.in_(states)).order_by(DeliveryRow.id))


def claim(db: Database, delivery_id: int, now: datetime) -> Delivery | None:
    """Take a pending delivery for one attempt; None when it is not pending (another took it, or it is done)."""
    with db.session() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None or row.state != DeliveryState.PENDING:
            return None
        row.state = DeliveryState.SENDING
        row.attempts += 1
        row.updated_at = now
        return _delivery(row)


def recover(db: Database, now: datetime) -> int:
    """Put back what an earlier process was sending when it died, and return how many; call it before sending starts."""
    with db.session() as session:
        rows = session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.state == DeliveryState.SENDING)
            .values(state=DeliveryState.PENDING, next_attempt_at=now, updated_at=now)
            .returning(DeliveryRow.id)
        )
        return len(rows.all())


def delivered(db: Database, delivery_id: int, now: datetime, *, status: int = 0) -> None:
    """Note that the destination has the document; `status` is its DIMSE status (a warning counts as delivered)."""
    with db.session() as session:
        row = _row(session, delivery_id, DeliveryState.SENDING, DeliveryState.PENDING, DeliveryState.DELIVERED)
        row.last_error = ""
        row.delivered_at = row.delivered_at or now
        _end(session, row, DeliveryState.DELIVERED, status, now)


def failed(
    db: Database, delivery_id: int, now: datetime, *, error: str, retry_at: datetime, status: int | None = None
) -> None:
    """Note a failure that may pass; the delivery is due again at `retry_at`."""
    with db.session() as session:
        row = _row(session, delivery_id, DeliveryState.SENDING, DeliveryState.PENDING)
        row.state = DeliveryState.PENDING
        row.last_error = error
        row.last_status = status
        row.next_attempt_at = retry_at
        row.updated_at = now


def dead(db: Database, delivery_id: int, now: datetime, *, error: str, status: int | None = None) -> None:
    """Give up: the delivery waits for an operator with the destination's own words in `error`."""
    with db.session() as session:
        row = _row(session, delivery_id, DeliveryState.SENDING, DeliveryState.PENDING, DeliveryState.DEAD)
        row.last_error = error
        _end(session, row, DeliveryState.DEAD, status, now)


def retry(db: Database, delivery_id: int, now: datetime) -> Delivery:
    """Make a dead or discarded delivery pending again, due at once, its attempts counted anew.

    Raises:
        UnknownDelivery: there is none, or it is neither dead nor discarded.
    """
    with db.session() as session:
        row = _row(session, delivery_id, DeliveryState.DEAD, DeliveryState.DISCARDED)
        row.attempts = 0
        row.next_attempt_at = now
        _end(session, row, DeliveryState.PENDING, row.last_status, now)
        return _delivery(row)


def discard(db: Database, delivery_id: int, now: datetime) -> Delivery:
    """Give a delivery up for good at an operator's word; one that is being sent or done cannot be.

    Raises:
        UnknownDelivery: there is none, or it is neither pending nor dead.
    """
    with db.session() as session:
        row = _row(session, delivery_id, DeliveryState.PENDING, DeliveryState.DEAD)
        _end(session, row, DeliveryState.DISCARDED, row.last_status, now)
        return _delivery(row)


def _enter(session: Session, document: Document, destination: str, now: datetime) -> int:
    known = session.scalar(
        select(DeliveryRow.id).where(
            DeliveryRow.sop_instance_uid == document.sop_instance_uid, DeliveryRow.destination == destination
        )
    )
    if known is not None:
        return known
    return session.execute(
        insert(DeliveryRow)
        .values(
            series_uid=document.series_uid,
            version=document.version,
            sop_instance_uid=document.sop_instance_uid,
            kind=document.kind,
            path=document.path,
            destination=destination,
            state=DeliveryState.PENDING,
            attempts=0,
            next_attempt_at=now,
            last_error="",
            last_status=None,
            created_at=now,
            updated_at=now,
            delivered_at=None,
        )
        .returning(DeliveryRow.id)
    ).scalar_one()


def _row(session: Session, delivery_id: int, *allowed: DeliveryState) -> DeliveryRow:
    row = session.get(DeliveryRow, delivery_id)
    if row is None:
        raise UnknownDelivery(f"no delivery {delivery_id}; `coronode outbox list` shows those that are there")
    if row.state not in allowed:
        raise UnknownDelivery(f"delivery {delivery_id} is {row.state}; this works when it is {' or '.join(allowed)}")
    return row


def _end(session: Session, row: DeliveryRow, state: DeliveryState, status: int | None, now: datetime) -> None:
    """Enter a state that the series follows, and the audit."""
    changed = row.state != state
    row.state = state
    row.last_status = status
    row.updated_at = now
    session.flush()
    if changed:
        audit.record(
            session,
            now,
            f"delivery-{state}",
            f"{row.kind} to {row.destination}, attempt {row.attempts}",
            series_uid=row.series_uid,
            sop_uid=row.sop_instance_uid,
            peer_ae=row.destination,
        )
    _settle(session, row.series_uid, row.version, now)


def _settle(session: Session, series_uid: str, version: int, now: datetime) -> None:
    """Let the series follow its deliveries; one whose version is out of date or has no score stays as it is."""
    states = set(
        session.scalars(
            select(DeliveryRow.state).where(
                DeliveryRow.series_uid == series_uid,
                DeliveryRow.version == version,
                DeliveryRow.state != DeliveryState.DISCARDED,
            )
        )
    )
    to: series.Reported
    if DeliveryState.DEAD in states:
        to = series.State.UNDELIVERABLE
    elif states == {DeliveryState.DELIVERED}:
        to = series.State.DELIVERED
    else:
        to = series.State.SCORED
    if series.get(session, series_uid).state in series.REPORTED:
        series.deliver(session, series_uid, version, to, now)


def _several(db: Database, query: Select[DeliveryRow]) -> list[Delivery]:
    with db.reading() as session:
        return [_delivery(row) for row in session.scalars(query)]


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        series_uid=row.series_uid,
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
    )
