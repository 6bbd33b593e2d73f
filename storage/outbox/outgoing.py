"""Changing the outbox: adding deliveries and recording their outcome.

    pending --claim()--> sending --mark_delivered()--> delivered
       ^                    |
       |<--mark_failed()----+--mark_dead()--> dead --discard()--> discarded
       +---------------------retry()-----------+
       and from pending or sending, mark_replaced(): the destination takes another kind of document instead

From delivered, `storage.outbox.commitment` goes on. The series follows: delivered when every document of its version
is, committed or not, undeliverable as long as one is dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.claims import is_orphan, may_claim
from storage.database.engine import Database, writing
from storage.database.models import DeliveryRow
from storage.outbox.deliveries import Delivery, DeliveryState, Document, UnknownDelivery, to_delivery
from storage.series import lifecycle, states
from storage.series.states import REPORTED, Reported, State

_ENDED_WITHOUT_SUCCESS = (
    DeliveryState.DEAD,
    DeliveryState.UNCOMMITTED,
    DeliveryState.DISCARDED,
    DeliveryState.REPLACED,
)
_ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.COMMITTED, DeliveryState.UNCOMMITTED})


def add(
    where: Database | Session, documents: Iterable[Document], destinations: Iterable[str], now: datetime
) -> list[int]:
    """Add a delivery of every document to every destination and return their IDs; existing ones stay unchanged."""
    targets = tuple(destinations)
    ids = []
    with writing(where) as session:
        touched = set()
        for document in documents:
            touched.add((document.series_instance_uid, document.version))
            ids += [_enter(session, document, destination, now) for destination in targets]
        for series_instance_uid, version in sorted(touched):
            _settle(session, series_instance_uid, version, now)
    return ids


def claim(db: Database, delivery_id: int, now: datetime, owner: str = "") -> Delivery | None:
    """Claim a pending delivery for one attempt; None when it is not pending (already claimed, or done).

    `owner` is the member of the group that claims; one that the others have given up claims nothing.
    """
    with db.session() as session:
        row = session.get(DeliveryRow, delivery_id, with_for_update=True)
        if row is None or row.state != DeliveryState.PENDING or not may_claim(session, owner):
            return None
        row.state = DeliveryState.SENDING
        row.owner = owner
        row.attempts += 1
        row.updated_at = now
        return to_delivery(row)


def recover(where: Database | Session, now: datetime) -> int:
    """Reset deliveries that a dead process was sending and return their number.

    A member of the group is alive; so where none has joined, all of them are reset.
    """
    with writing(where) as session:
        rows = session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.state == DeliveryState.SENDING, is_orphan(DeliveryRow.owner))
            .values(state=DeliveryState.PENDING, next_attempt_at=now, updated_at=now)
            .returning(DeliveryRow.id)
        )
        return len(rows.all())


def mark_delivered(
    db: Database,
    delivery_id: int,
    now: datetime,
    *,
    status: int = 0,
    commit_at: datetime | None = None,
    owner: str = "",
) -> None:
    """Record that the destination has the document; `status` is its DIMSE status (a warning counts as delivered).

    It counts from whoever brings it: `owner` may have been given up by the group in the middle of sending.
    From `commit_at` on the destination is asked to commit to it (`storage.outbox.commitment`).
    """
    with db.session() as session:
        row = _get_row(session, delivery_id, DeliveryState.SENDING, DeliveryState.PENDING, DeliveryState.DELIVERED)
        row.last_error, row.owner = "", owner
        row.delivered_at = row.delivered_at or now
        row.commit_at, row.commit_attempts = commit_at, 0
        change_state(session, row, DeliveryState.DELIVERED, status, now)


def mark_failed(
    db: Database,
    delivery_id: int,
    now: datetime,
    *,
    error: str,
    retry_at: datetime,
    status: int | None = None,
    owner: str = "",
) -> None:
    """Record a temporary failure; the delivery is due again at `retry_at`, unless it is not `owner`'s any longer."""
    with db.session() as session:
        row = _get_claimed(session, delivery_id, owner, DeliveryState.SENDING, DeliveryState.PENDING)
        if row is None:
            return
        row.state = DeliveryState.PENDING
        row.last_error = error
        row.last_status = status
        row.next_attempt_at = retry_at
        row.updated_at = now


def mark_dead(
    db: Database, delivery_id: int, now: datetime, *, error: str, status: int | None = None, owner: str = ""
) -> None:
    """Give up: the delivery waits for an operator, with the destination's own words in `error`.

    Nothing changes when it is not `owner`'s any longer.
    """
    states = (DeliveryState.SENDING, DeliveryState.PENDING, DeliveryState.DEAD)
    with db.session() as session:
        row = _get_claimed(session, delivery_id, owner, *states)
        if row is None:
            return
        row.last_error = error
        change_state(session, row, DeliveryState.DEAD, status, now)


def mark_replaced(
    db: Database, delivery_id: int, documents: Iterable[Document], now: datetime, *, error: str, owner: str = ""
) -> None:
    """Add `documents` for the destination in place of one that it does not accept; `error` says what and why.

    Nothing changes when it is not `owner`'s any longer.
    """
    with db.session() as session:
        row = _get_claimed(session, delivery_id, owner, DeliveryState.SENDING, DeliveryState.PENDING)
        if row is None:
            return
        for document in documents:
            _enter(session, document, row.destination, now)
        row.last_error = error
        change_state(session, row, DeliveryState.REPLACED, None, now)


def retry(db: Database, delivery_id: int, now: datetime, *, person: str = "") -> Delivery:
    """Make a delivery that has ended without success pending and due at once, with its attempts reset to zero.

    Raises UnknownDelivery when it does not exist or is in another state.
    """
    with db.session() as session:
        row = _get_row(session, delivery_id, *_ENDED_WITHOUT_SUCCESS)
        row.attempts = row.commit_requests = 0
        row.next_attempt_at = now
        change_state(session, row, DeliveryState.PENDING, row.last_status, now, person=person)
        return to_delivery(row)


def discard(db: Database, delivery_id: int, now: datetime, *, person: str = "") -> Delivery:
    """Give a delivery up for good on an operator's request, unless it is being sent or done.

    Raises UnknownDelivery when it does not exist or is neither pending nor dead.
    """
    with db.session() as session:
        row = _get_row(session, delivery_id, DeliveryState.PENDING, DeliveryState.DEAD)
        change_state(session, row, DeliveryState.DISCARDED, row.last_status, now, person=person)
        return to_delivery(row)


def withdraw(session: Session, series_instance_uid: str, now: datetime) -> None:
    """Discard what is still to be sent of a series, in the caller's transaction; what is being sent goes its way."""
    rows = session.scalars(
        select(DeliveryRow)
        .where(
            DeliveryRow.series_instance_uid == series_instance_uid,
            DeliveryRow.state.in_((DeliveryState.PENDING, DeliveryState.DEAD)),
        )
        .with_for_update()
    ).all()
    for row in rows:
        change_state(session, row, DeliveryState.DISCARDED, row.last_status, now)


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
    _settle(session, row.series_instance_uid, row.version, now)


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


def _get_row(session: Session, delivery_id: int, *allowed: DeliveryState) -> DeliveryRow:
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is None:
        raise UnknownDelivery(f"no delivery {delivery_id}; `coronode outbox list` shows all deliveries")
    if row.state not in allowed:
        raise UnknownDelivery(f"delivery {delivery_id} is {row.state}; it must be {' or '.join(allowed)}")
    return row


def _get_claimed(session: Session, delivery_id: int, owner: str, *allowed: DeliveryState) -> DeliveryRow | None:
    """Get the row that `owner` claimed; None when another member has claimed it since."""
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is not None and row.owner != owner:
        return None
    return _get_row(session, delivery_id, *allowed)


def _settle(session: Session, series_instance_uid: str, version: int, now: datetime) -> None:
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
