"""Recording how an attempt at a delivery ended; a member of the group that has lost its claim changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from storage.database.engine import Database
from storage.outbox.deliveries import DeliveryState, Document
from storage.outbox.delivery_rows import change_state, enter, get_claimed, get_row


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
        row = get_row(session, delivery_id, DeliveryState.SENDING, DeliveryState.PENDING, DeliveryState.DELIVERED)
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
        row = get_claimed(session, delivery_id, owner, DeliveryState.SENDING, DeliveryState.PENDING)
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
        row = get_claimed(session, delivery_id, owner, *states)
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
        row = get_claimed(session, delivery_id, owner, DeliveryState.SENDING, DeliveryState.PENDING)
        if row is None:
            return
        for document in documents:
            enter(session, document, row.destination, now)
        row.last_error = error
        change_state(session, row, DeliveryState.REPLACED, None, now)
