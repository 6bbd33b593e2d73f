"""Reading the commitments that peers asked for; `storage.commitments.changes` changes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import defer

from config.errors import Permanent
from dicom.commitment import CommitmentRequest, CommitmentResult, Reference
from storage.database.commitment_rows import CommitmentRow
from storage.database.engine import Database


class CommitmentState(StrEnum):
    """How far the answer to a request is."""

    PENDING = "pending"
    """It is proved and reported when it is due."""
    REPORTING = "reporting"
    WAITING = "waiting"
    """The peer cannot be called: it is told when it asks the next time."""
    REPORTED = "reported"
    DEAD = "dead"


class UnknownCommitment(Permanent):
    """No commitment has this number, or its state does not allow the change."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A request of a peer, identified by its AE title and address, and what became of it.

    `failure_count` is None before the objects are proved. With `is_repeated` its Transaction UID was in use for other
    objects. `owner` is the member of the group that claimed its report last.
    """

    id: int
    transaction_uid: str
    calling_ae: str
    host: str
    is_repeated: bool
    reference_count: int
    failure_count: int | None
    state: CommitmentState
    attempts: int
    next_attempt_at: datetime
    last_error: str
    created_at: datetime
    reported_at: datetime | None
    owner: str = ""


def get(db: Database, commitment_id: int) -> Commitment:
    """Return one commitment. Raises UnknownCommitment."""
    with db.reading() as session:
        row = session.get(CommitmentRow, commitment_id)
        if row is None:
            raise UnknownCommitment(
                f"no commitment {commitment_id}; `coronode outbox commitments list` shows all of them"
            )
        return to_commitment(row)


def list_commitments(
    db: Database, state: CommitmentState | None = None, *, limit: int | None = 100
) -> list[Commitment]:
    """List commitments, newest first, of one state if asked."""
    query = select(CommitmentRow).order_by(CommitmentRow.id.desc()).limit(limit)
    return _list(db, query if state is None else query.where(CommitmentRow.state == state))


def list_due(db: Database, now: datetime) -> list[Commitment]:
    """List the pending commitments that are due, the longest due first."""
    return _list(
        db,
        select(CommitmentRow)
        .where(CommitmentRow.state == CommitmentState.PENDING, CommitmentRow.next_attempt_at <= now)
        .order_by(CommitmentRow.next_attempt_at, CommitmentRow.id),
    )


def count(db: Database, state: CommitmentState) -> int:
    """Count the commitments in a state."""
    query = select(func.count()).select_from(CommitmentRow).where(CommitmentRow.state == state)
    with db.reading() as session:
        return session.scalar(query) or 0


def load_request(db: Database, commitment_id: int) -> CommitmentRequest:
    """Load the request, as it was made. Raises UnknownCommitment."""
    with db.reading() as session:
        row = session.get_one(CommitmentRow, commitment_id)
        return CommitmentRequest(row.transaction_uid, _load_references(row))


def load_result(db: Database, commitment_id: int) -> CommitmentResult | None:
    """Load the result that is to be reported; None before the objects are proved, and once the peer has taken it."""
    with db.reading() as session:
        row = session.get_one(CommitmentRow, commitment_id)
        if row.proved_at is None or row.state == CommitmentState.REPORTED:
            return None
        failed = tuple((Reference(one, other), reason) for one, other, reason in json.loads(row.failures_json))
        lost = {reference for reference, _ in failed}
        committed = tuple(reference for reference in _load_references(row) if reference not in lost)
        return CommitmentResult(row.transaction_uid, committed, failed)


def to_commitment(row: CommitmentRow) -> Commitment:
    """Convert a row to the value that leaves this package."""
    return Commitment(
        id=row.id,
        transaction_uid=row.transaction_uid,
        calling_ae=row.calling_ae,
        host=row.host,
        is_repeated=row.is_repeated,
        reference_count=row.reference_count,
        failure_count=None if row.proved_at is None else row.failure_count,
        state=CommitmentState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_error=row.last_error,
        created_at=row.created_at,
        reported_at=row.reported_at,
        owner=row.owner,
    )


def _load_references(row: CommitmentRow) -> tuple[Reference, ...]:
    return tuple(Reference(*pair) for pair in json.loads(row.references_json))


def _list(db: Database, query: Select[CommitmentRow]) -> list[Commitment]:
    """List rows without their objects, of which there may be very many."""
    light = query.options(defer(CommitmentRow.references_json), defer(CommitmentRow.failures_json))
    with db.reading() as session:
        return [to_commitment(row) for row in session.scalars(light)]
