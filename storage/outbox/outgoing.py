"""Changing the outbox: adding deliveries, claiming them, and what an operator does with them.

    pending --claim()--> sending --mark_delivered()--> delivered
       ^                    |
       |<--mark_failed()----+--mark_dead()--> dead --discard()--> discarded
       +---------------------retry()-----------+
       and from pending or sending, mark_replaced(): the destination takes another kind of document instead

The marks are those of `storage.outbox.outcomes`; from delivered, `storage.outbox.commitment` goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.database.claims import is_orphan, may_claim
from storage.database.engine import Database, writing
from storage.database.models import DeliveryRow
from storage.outbox.deliveries import Delivery, DeliveryState, Document, to_delivery
from storage.outbox.delivery_rows import change_state, enter, get_row, settle

_ENDED_WITHOUT_SUCCESS = (
    DeliveryState.DEAD,
    DeliveryState.UNCOMMITTED,
    DeliveryState.DISCARDED,
    DeliveryState.REPLACED,
)


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
            ids += [enter(session, document, destination, now) for destination in targets]
        for series_instance_uid, version in sorted(touched):
            settle(session, series_instance_uid, version, now)
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


def retry(db: Database, delivery_id: int, now: datetime, *, person: str = "") -> Delivery:
    """Make a delivery that has ended without success pending and due at once, with its attempts reset to zero.

    Raises UnknownDelivery when it does not exist or is in another state.
    """
    with db.session() as session:
        row = get_row(session, delivery_id, *_ENDED_WITHOUT_SUCCESS)
        row.attempts = row.commit_requests = 0
        row.next_attempt_at = now
        change_state(session, row, DeliveryState.PENDING, row.last_status, now, person=person)
        return to_delivery(row)


def discard(db: Database, delivery_id: int, now: datetime, *, person: str = "") -> Delivery:
    """Give a delivery up for good on an operator's request, unless it is being sent or done.

    Raises UnknownDelivery when it does not exist or is neither pending nor dead.
    """
    with db.session() as session:
        row = get_row(session, delivery_id, DeliveryState.PENDING, DeliveryState.DEAD)
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
