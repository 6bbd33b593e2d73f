"""The row of a delivery: entering it, changing its state, and the series that follows.

A series is delivered when every document of its version is, committed or not, and undeliverable as long as one is dead.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.models import DeliveryRow
from storage.outbox.deliveries import DeliveryState, Document, UnknownDelivery
from storage.series import lifecycle, states
from storage.series.states import REPORTED, Reported, State

_ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.COMMITTED, DeliveryState.UNCOMMITTED})


def change_state(
    session: Session, row: DeliveryRow, state: DeliveryState, status: int | None, now: datetime, *, person: str = ""
) -> None:
    """Change the state, record it and `person` (empty for the node) in the audit log, and let the series follow."""
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
            series_instance_uid=row.series_instance_uid,
            sop_instance_uid=row.sop_instance_uid,
            peer_ae=row.destination,
            person=person,
        )
    settle(session, row.series_instance_uid, row.version, now)


def enter(session: Session, document: Document, destination: str, now: datetime) -> int:
    """Enter the delivery of a document, unless it is there, and return its ID."""
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
            series_instance_uid=document.series_instance_uid,
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
            transaction_uid="",
            commit_at=None,
            commit_attempts=0,
            commit_requests=0,
        )
        .returning(DeliveryRow.id)
    ).scalar_one()


def get_row(session: Session, delivery_id: int, *allowed: DeliveryState) -> DeliveryRow:
    """Get the row of a delivery, locked. Raises UnknownDelivery when there is none in one of these states."""
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is None:
        raise UnknownDelivery(f"no delivery {delivery_id}; `coronode outbox list` shows all deliveries")
    if row.state not in allowed:
        raise UnknownDelivery(f"delivery {delivery_id} is {row.state}; it must be {' or '.join(allowed)}")
    return row


def get_claimed(session: Session, delivery_id: int, owner: str, *allowed: DeliveryState) -> DeliveryRow | None:
    """Get the row that `owner` claimed, locked; None when another member has claimed it since.

    Raises UnknownDelivery as `get_row` does.
    """
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is not None and row.owner != owner:
        return None
    return get_row(session, delivery_id, *allowed)


def settle(session: Session, series_instance_uid: str, version: int, now: datetime) -> None:
    """Update the series from its deliveries, unless the version is out of date or has no score."""
    there = set(
        session.scalars(
            select(DeliveryRow.state).where(
                DeliveryRow.series_instance_uid == series_instance_uid,
                DeliveryRow.version == version,
                DeliveryRow.state.not_in((DeliveryState.DISCARDED, DeliveryState.REPLACED)),
            )
        )
    )
    to: Reported
    if DeliveryState.DEAD in there:
        to = State.UNDELIVERABLE
    elif there and there <= _ARRIVED:
        to = State.DELIVERED
    else:
        to = State.SCORED
    if states.get(session, series_instance_uid).state in REPORTED:
        lifecycle.deliver(session, series_instance_uid, version, to, now)
