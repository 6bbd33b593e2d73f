"""The commitment of destinations to the storage of what was delivered to them.

    delivered --begin()--> delivered, asked --settle()--> committed
       ^  ^                   |       |
       |  +----postpone()-----+       +--settle(), a failed reference--> pending, sent again; at last dead
       |  +--no answer in time-+
       +-- at last uncommitted: give_up(), or no answer to the last request

`commit_at` of a delivery says when it is asked about (again), `commit_requests` how often the destination took a
request, `commit_attempts` how often since then it could not be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from dicom.commitment import CommitmentRequest, CommitmentResult, FailureReason, Reference
from storage.database.columns import UtcDateTime
from storage.database.commitment_rows import TransactionRow
from storage.database.engine import Database
from storage.database.models import DeliveryRow, InstanceRow
from storage.database.pause_rows import PauseRow
from storage.outbox.deliveries import DeliveryState
from storage.outbox.delivery_rows import change_state

MOST_REQUESTS: Final = 3
"""Requests about one document: a destination that does not answer, or loses it each time, is not asked for ever."""
MOST_AT_ONCE: Final = 500
"""Documents in one request."""
KEEP_TRANSACTIONS: Final = timedelta(days=90)
"""A report that comes later is answered as unknown."""

_OPEN: Final = (DeliveryState.DELIVERED, DeliveryState.UNCOMMITTED)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a report changed: documents committed, and those that the destination does not keep."""

    committed: int
    failed: int


def list_due(db: Database, now: datetime) -> list[tuple[str, datetime]]:
    """List the destinations that are due to be asked and not paused, each with the time since when."""
    query = (
        select(DeliveryRow.destination, func.min(DeliveryRow.commit_at, type_=UtcDateTime()))
        .where(
            DeliveryRow.state == DeliveryState.DELIVERED,
            DeliveryRow.commit_at <= now,
            DeliveryRow.destination.not_in(select(PauseRow.destination)),
        )
        .group_by(DeliveryRow.destination)
    )
    with db.reading() as session:
        return [(destination, due) for destination, due in session.execute(query) if due is not None]


def begin(
    db: Database, destination: str, transaction_uid: str, now: datetime, *, answer_by: datetime
) -> CommitmentRequest | None:
    """Begin a transaction about the documents that are due, and return its request; None when there is none.

    Documents about which the last request stayed unanswered become uncommitted instead.
    """
    with db.session() as session:
        session.execute(delete(TransactionRow).where(TransactionRow.asked_at < now - KEEP_TRANSACTIONS))
        references = []
        for row in _list_due(session, destination, now):
            sop_class_uid = session.scalar(
                select(InstanceRow.sop_class_uid).where(InstanceRow.sop_instance_uid == row.sop_instance_uid)
            )
            if row.commit_requests >= MOST_REQUESTS:
                _give_up(session, row, f"not committed: no answer to {row.commit_requests} requests", now)
            elif sop_class_uid is None:
                _give_up(session, row, "not committed: the document is no longer in the index", now)
            else:
                row.transaction_uid, row.commit_at = transaction_uid, answer_by
                row.commit_requests += 1
                references.append(Reference(sop_class_uid, row.sop_instance_uid))
        if not references:
            return None
        session.execute(
            insert(TransactionRow).values(
                transaction_uid=transaction_uid, destination=destination, asked_at=now, answered_at=None
            )
        )
        return CommitmentRequest(transaction_uid, tuple(references))


def note_asked(db: Database, transaction_uid: str) -> None:
    """Record that the destination has taken a request."""
    with db.session() as session:
        for row in _list_asked(session, transaction_uid):
            row.commit_attempts = 0


def postpone(
    db: Database, transaction_uid: str, now: datetime, *, error: str, pause: Callable[[int], timedelta | None]
) -> None:
    """Record that the destination could not be asked; `pause` gives the time until the next attempt by their number."""
    with db.session() as session:
        for row in _list_asked(session, transaction_uid):
            row.commit_attempts += 1
            row.commit_requests -= 1
            wait = pause(row.commit_attempts)
            if wait is None:
                _give_up(session, row, f"not committed: {error} (given up after {row.commit_attempts} attempts)", now)
            else:
                row.last_error, row.commit_at, row.updated_at = error, now + wait, now


def give_up(db: Database, transaction_uid: str, now: datetime, *, error: str) -> None:
    """Record that the destination will not commit to the documents of a transaction: they are uncommitted."""
    with db.session() as session:
        for row in _list_asked(session, transaction_uid):
            _give_up(session, row, f"not committed: {error}", now)


def forget(db: Database, destination: str) -> None:
    """Ask a destination about nothing any more: the documents stay delivered."""
    with db.session() as session:
        session.execute(update(DeliveryRow).where(DeliveryRow.destination == destination).values(commit_at=None))


def settle(db: Database, destinations: Iterable[str], result: CommitmentResult, now: datetime) -> Settled | None:
    """Record a destination's report, durably; None when none of `destinations` was asked in this transaction.

    A commitment counts whenever it comes. A failure counts only in the latest transaction about the document, which is
    then sent again, or is dead after the last request.
    """
    with db.session() as session:
        transaction = session.scalar(
            select(TransactionRow)
            .where(
                TransactionRow.transaction_uid == result.transaction_uid,
                TransactionRow.destination.in_(tuple(destinations)),
            )
            .with_for_update()
        )
        if transaction is None:
            return None
        transaction.answered_at = transaction.answered_at or now
        committed = failed = 0
        for row in _list_open(session, transaction.destination, (item.sop_instance_uid for item in result.committed)):
            row.last_error, row.commit_at = "", None
            change_state(session, row, DeliveryState.COMMITTED, row.last_status, now)
            committed += 1
        reasons = {item.sop_instance_uid: reason for item, reason in result.failed}
        for row in _list_open(session, transaction.destination, reasons):
            if row.transaction_uid == result.transaction_uid:
                _fail(session, row, reasons[row.sop_instance_uid], now)
                failed += 1
        return Settled(committed, failed)


def _list_due(session: Session, destination: str, now: datetime) -> list[DeliveryRow]:
    query = (
        select(DeliveryRow)
        .where(
            DeliveryRow.destination == destination,
            DeliveryRow.state == DeliveryState.DELIVERED,
            DeliveryRow.commit_at <= now,
        )
        .order_by(DeliveryRow.id)
        .limit(MOST_AT_ONCE)
        .with_for_update()
    )
    return list(session.scalars(query))


def _list_asked(session: Session, transaction_uid: str) -> list[DeliveryRow]:
    """List the documents of a transaction that is neither answered nor superseded."""
    query = select(DeliveryRow).where(
        DeliveryRow.transaction_uid == transaction_uid, DeliveryRow.state == DeliveryState.DELIVERED
    )
    return list(session.scalars(query.with_for_update()))


def _list_open(session: Session, destination: str, sop_instance_uids: Iterable[str]) -> list[DeliveryRow]:
    query = select(DeliveryRow).where(
        DeliveryRow.destination == destination,
        DeliveryRow.sop_instance_uid.in_(tuple(sop_instance_uids)[:MOST_AT_ONCE]),
        DeliveryRow.state.in_(_OPEN),
    )
    return list(session.scalars(query.with_for_update()))


def _fail(session: Session, row: DeliveryRow, reason: int, now: datetime) -> None:
    row.last_error = f"the destination does not commit to it: failure reason 0x{reason:04X}"
    row.commit_at = None
    if reason == FailureReason.DUPLICATE_TRANSACTION:
        row.commit_at = now
        change_state(session, row, DeliveryState.DELIVERED, row.last_status, now)
    elif row.commit_requests >= MOST_REQUESTS:
        row.last_error += f" ({row.commit_requests} requests)"
        change_state(session, row, DeliveryState.DEAD, row.last_status, now)
    else:
        row.next_attempt_at, row.attempts = now, 0
        change_state(session, row, DeliveryState.PENDING, row.last_status, now)


def _give_up(session: Session, row: DeliveryRow, error: str, now: datetime) -> None:
    row.last_error, row.commit_at = error, None
    change_state(session, row, DeliveryState.UNCOMMITTED, row.last_status, now)
