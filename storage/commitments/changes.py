"""Changing the commitments that peers asked for.

    enter() --> pending --claim()--> reporting --mark_reported()--> reported
                   ^                     |
                   |<--mark_failed()-----+--mark_dead()--> dead
                   |                     +--mark_waiting()--> waiting
                   +----------retry(), recover()----------------+

Between claim() and the report, mark_proved() records which objects are here. Asked again, a reported or dead
commitment is pending again, and its objects are proved anew. Every mark counts from the `owner` of the claim alone: a
member of the group that the others have taken for dead changes nothing, and is told so by False.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from dicom.commitment import CommitmentRequest, Reference
from storage.commitments.commitments import Commitment, CommitmentState, UnknownCommitment, to_commitment
from storage.database import audit
from storage.database.claims import is_orphan, may_claim
from storage.database.commitment_rows import CommitmentRow
from storage.database.engine import Database, writing
from storage.database.models import InstanceRow, SeriesRow

MOST_OPEN: Final = 200
"""Unanswered requests of one AE title."""
KEEP_REPORTED: Final = timedelta(days=90)

_AT_ONCE: Final = 500
_OPEN: Final = (CommitmentState.PENDING, CommitmentState.REPORTING, CommitmentState.WAITING)


def enter(
    db: Database, request: CommitmentRequest, calling_ae: str, host: str, now: datetime, *, due_at: datetime
) -> Commitment | None:
    """Enter a request, due for its report at `due_at`; None when the caller has too many unanswered ones.

    The same request again is the same commitment. Its Transaction UID with other objects is another one, `is_repeated`:
    none of its objects can be committed (PS3.3 C.14.1.1).
    """
    pairs = [(reference.sop_class_uid, reference.sop_instance_uid) for reference in request.references]
    digest = hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest()
    with db.session() as session:
        session.execute(
            delete(CommitmentRow).where(
                CommitmentRow.state == CommitmentState.REPORTED, CommitmentRow.next_attempt_at < now - KEEP_REPORTED
            )
        )
        same = session.scalars(
            select(CommitmentRow)
            .where(CommitmentRow.calling_ae == calling_ae, CommitmentRow.transaction_uid == request.transaction_uid)
            .with_for_update()
        ).all()
        row = next((one for one in same if one.digest == digest), None)
        if row is None:
            if _count_open(session, calling_ae) >= MOST_OPEN:
                return None
            row = CommitmentRow(
                transaction_uid=request.transaction_uid,
                calling_ae=calling_ae,
                digest=digest,
                is_repeated=bool(same),
                reference_count=len(pairs),
                state=CommitmentState.PENDING,
                created_at=now,
            )
            session.add(row)
        if row.state == CommitmentState.REPORTING:
            return to_commitment(row)
        row.host, row.state, row.next_attempt_at, row.updated_at = host, CommitmentState.PENDING, due_at, now
        row.owner = ""  # an answer to the request before is none to this one
        row.references_json, row.failures_json, row.failure_count = json.dumps(pairs), "[]", 0
        row.attempts, row.last_error, row.proved_at, row.reported_at = 0, "", None, None
        _note(session, row, "commitment-asked", now)
        session.flush()
        return to_commitment(row)


def claim(
    db: Database, commitment_id: int, now: datetime, *from_states: CommitmentState, owner: str = ""
) -> Commitment | None:
    """Claim a commitment for one attempt to report it; None when it is not in one of `from_states` (pending).

    `owner` is the member of the group that claims; one that the others have given up claims nothing.
    """
    with db.session() as session:
        row = session.get(CommitmentRow, commitment_id, with_for_update=True)
        if row is None or row.state not in (from_states or (CommitmentState.PENDING,)):
            return None
        if not may_claim(session, owner):
            return None
        row.state = CommitmentState.REPORTING
        row.owner = owner
        row.attempts += 1
        row.updated_at = now
        return to_commitment(row)


def mark_proved(
    db: Database, commitment_id: int, failed: Iterable[tuple[Reference, int]], now: datetime, *, owner: str = ""
) -> bool:
    """Record the outcome of the proof: the objects that are not committed, with the Failure Reason of each.

    The series of the others are noted as promised; retention leaves objects alone as long as a request for them is
    open (`storage.retention.holds`).
    """
    entries = [(item.sop_class_uid, item.sop_instance_uid, int(reason)) for item, reason in failed]
    with db.session() as session:
        row = _get_claimed(session, commitment_id, owner)
        if row is None:
            return False
        refused = {uid for _, uid, _ in entries}
        _promise(session, [uid for _, uid in json.loads(row.references_json) if uid not in refused], now)
        row.failures_json, row.failure_count, row.proved_at = json.dumps(entries), len(entries), now
        return True


def mark_reported(db: Database, commitment_id: int, now: datetime, *, owner: str = "") -> bool:
    """Record that the peer has taken the result, whose objects need not be remembered any longer.

    It counts also when the claim is lost and nobody has claimed it since: the peer need not be told again.
    """
    with db.session() as session:
        row = _get_claimed(session, commitment_id, owner, CommitmentState.PENDING)
        if row is None:
            return False
        row.state, row.last_error = CommitmentState.REPORTED, ""
        row.reported_at = row.next_attempt_at = row.updated_at = now
        row.references_json = row.failures_json = "[]"
        _note(session, row, "commitment-reported", now)
        return True


def mark_failed(
    db: Database, commitment_id: int, now: datetime, *, error: str, retry_at: datetime, owner: str = ""
) -> bool:
    """Record a failed attempt; the next one is due at `retry_at`."""
    with db.session() as session:
        row = _get_claimed(session, commitment_id, owner)
        if row is None:
            return False
        row.state, row.last_error, row.updated_at = CommitmentState.PENDING, error, now
        row.next_attempt_at = retry_at
        return True


def mark_waiting(db: Database, commitment_id: int, now: datetime, *, error: str, owner: str = "") -> bool:
    """Keep the result until the peer asks the next time, because it cannot be called."""
    with db.session() as session:
        row = _get_claimed(session, commitment_id, owner)
        if row is None:
            return False
        row.state, row.last_error, row.updated_at = CommitmentState.WAITING, error, now
        return True


def mark_dead(db: Database, commitment_id: int, now: datetime, *, error: str, owner: str = "") -> bool:
    """Give up: the report waits for an operator."""
    with db.session() as session:
        row = _get_claimed(session, commitment_id, owner)
        if row is None:
            return False
        row.state, row.last_error, row.updated_at = CommitmentState.DEAD, error, now
        _note(session, row, "commitment-dead", now)
        return True


def retry(db: Database, commitment_id: int, now: datetime) -> Commitment:
    """Make a dead or waiting commitment due at once. Raises UnknownCommitment when it is neither."""
    with db.session() as session:
        row = session.get(CommitmentRow, commitment_id, with_for_update=True)
        if row is None or row.state not in (CommitmentState.DEAD, CommitmentState.WAITING):
            found = "does not exist" if row is None else f"is {row.state}"
            raise UnknownCommitment(f"commitment {commitment_id} {found}; it must be dead or waiting")
        row.state, row.attempts, row.next_attempt_at, row.updated_at = CommitmentState.PENDING, 0, now, now
        return to_commitment(row)


def recover(where: Database | Session, now: datetime) -> None:
    """Make due what a dead process was reporting; a member of the group is alive."""
    with writing(where) as session:
        session.execute(
            update(CommitmentRow)
            .where(CommitmentRow.state == CommitmentState.REPORTING, is_orphan(CommitmentRow.owner))
            .values(state=CommitmentState.PENDING, next_attempt_at=now, updated_at=now)
        )


def stop_waiting(db: Database, now: datetime) -> None:
    """Make due at once what is pending, and what waited for a peer that may have a port by now."""
    with db.session() as session:
        session.execute(
            update(CommitmentRow)
            .where(CommitmentRow.state.in_((CommitmentState.PENDING, CommitmentState.WAITING)))
            .values(state=CommitmentState.PENDING, next_attempt_at=now, updated_at=now)
        )


def _promise(session: Session, uids: Sequence[str], now: datetime) -> None:
    """Note in the series of these objects that a peer is told that they are kept."""
    for first in range(0, len(uids), _AT_ONCE):
        some = uids[first : first + _AT_ONCE]
        series = select(InstanceRow.series_id).where(InstanceRow.sop_instance_uid.in_(some))
        session.execute(update(SeriesRow).where(SeriesRow.id.in_(series)).values(promised_at=now))


def _count_open(session: Session, calling_ae: str) -> int:
    query = select(func.count()).where(CommitmentRow.calling_ae == calling_ae, CommitmentRow.state.in_(_OPEN))
    return session.scalar(query) or 0


def _get_claimed(
    session: Session, commitment_id: int, owner: str, *more_states: CommitmentState
) -> CommitmentRow | None:
    """Get the row that `owner` is reporting, locked; None when the claim is lost."""
    row = session.get(CommitmentRow, commitment_id, with_for_update=True)
    if row is None or row.owner != owner or row.state not in (CommitmentState.REPORTING, *more_states):
        return None
    return row


def _note(session: Session, row: CommitmentRow, kind: str, now: datetime) -> None:
    failures = f", {row.failure_count} of them not committed" if row.failure_count else ""
    text = f"transaction {row.transaction_uid}, {row.reference_count} objects{failures}"
    audit.record(session, now, kind, text, peer_ae=row.calling_ae)
