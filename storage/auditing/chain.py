"""The chain over the audit log: whoever changes, removes or slips in an event breaks it at that place.

Each link is SHA-256 over the digest of the link before it and the event's own fields. Events are entered in the
transactions of whatever they record, in any order; sealing appends them to the chain a little later, one process at a
time. Somebody who may write to the database can compute a whole chain anew: that shows by its head, which is repeated
in every message to a collector and can be noted elsewhere (`coronode audit verify --head`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

from sqlalchemy import Row, delete, select
from sqlalchemy.orm import Session

from storage.auditing import readers
from storage.database.auditing_rows import AuditLinkRow
from storage.database.engine import Database
from storage.database.models import AuditRow

START: Final = "0" * 64
"""The digest before the first event."""
SEALED_WITHIN: Final = timedelta(minutes=10)
"""An event that is not sealed after so long has not been entered by the node, or nothing seals."""

_NAME: Final = "chain"
_AT_ONCE: Final = 1000
_LATE: Final = 10_000
"""How many events may have been entered after one whose transaction was committed later."""
_BATCH: Final = 1000

FaultKind = Literal["changed", "missing", "gap", "unsealed", "head"]


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of the chain; position 0 and `START` before the first."""

    position: int
    digest: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A break of the chain: where, and in which event (0 where that is not known)."""

    kind: FaultKind
    position: int
    event: int


def find_head(db: Database) -> Head:
    """Return the last link."""
    with db.reading() as session:
        return _find_head(session)


def seal(db: Database, now: datetime) -> int:
    """Append events that are not yet in the chain, at most a thousand, and return how many there were."""
    with db.reading() as session:  # an idle node has nothing to seal, and writes nothing
        if not _list_new(session, _find_head(session), 1):
            return 0
    with db.session() as session:
        readers.lock(session, _NAME, now)
        head = _find_head(session)
        rows = _list_new(session, head, _AT_ONCE)
        position, digest = head.position, head.digest
        for row in rows:
            position, digest = position + 1, compute(digest, row)
            session.add(AuditLinkRow(position=position, audit_id=row.id, digest=digest))
        return len(rows)


def verify(db: Database, now: datetime, *, head: Head | None = None) -> Iterator[Fault]:
    """Walk along the whole chain and yield each break of it; `head` is one that was noted earlier."""
    before: Head | None = None
    query = (
        select(AuditLinkRow.position, AuditLinkRow.audit_id, AuditLinkRow.digest, *AuditRow.__table__.columns)
        .outerjoin(AuditRow, AuditRow.id == AuditLinkRow.audit_id)
        .order_by(AuditLinkRow.position)
    )
    was_there = head is None or head.position == 0
    for rows in db.rows(query, batch=_BATCH):
        for row in cast("Sequence[Row[Any]]", rows):
            position, audit_id, digest = row.position, row.audit_id, row.digest
            if head is not None and head.position == position:
                was_there = head.digest == digest
            if audit_id is not None:
                previous = before or Head(position - 1, START)
                if position != previous.position + 1 or (before is None and position != 1):
                    yield Fault("gap", position, audit_id)
                elif row.id is None:
                    yield Fault("missing", position, audit_id)
                elif compute(previous.digest, row) != digest:
                    yield Fault("changed", position, audit_id)
            # what follows is judged by what stands here, so that one change is one fault
            before = Head(position, digest)
    if not was_there and head is not None:
        yield Fault("head", head.position, 0)
    yield from _list_unsealed(db, now)


def forget_before(db: Database, moment: datetime, *, last: int | None = None) -> int:
    """Forget the oldest events that were entered before a time, at most a thousand, and return their number.

    `last` is the last position that may be forgotten, None for any. The place before the oldest event that stays keeps
    its digest, so that the rest can still be verified.
    """
    with db.session() as session:
        query = (
            select(AuditLinkRow, AuditRow.at < moment)
            .outerjoin(AuditRow, AuditRow.id == AuditLinkRow.audit_id)
            .order_by(AuditLinkRow.position)
            .limit(_AT_ONCE + 1)
        )
        old: list[AuditLinkRow] = []
        for link, is_old in session.execute(query):
            may_go = is_old and (last is None or link.position <= last)
            # an event that somebody removed stays a break of the chain
            if link.audit_id is not None and not may_go:
                break
            old.append(link)
        events = [link.audit_id for link in old if link.audit_id is not None]
        if not events:
            return 0
        for link in old[:-1]:
            session.delete(link)
        old[-1].audit_id = None
        session.execute(delete(AuditRow).where(AuditRow.id.in_(events)))
        return len(events)


def compute(previous: str, row: AuditRow | Row[Any]) -> str:
    """Return the digest of an event's link."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [
        row.id,
        at,
        row.kind,
        row.series_instance_uid,
        row.sop_instance_uid,
        row.peer_ae,
        row.text,
        row.person,
    ]
    return hashlib.sha256(f"{previous}\n{json.dumps(fields)}".encode()).hexdigest()


def _find_head(session: Session) -> Head:
    query = select(AuditLinkRow.position, AuditLinkRow.digest).order_by(AuditLinkRow.position.desc()).limit(1)
    found = session.execute(query).one_or_none()
    return Head(0, START) if found is None else Head(found.position, found.digest)


def _list_new(session: Session, head: Head, limit: int) -> Sequence[AuditRow]:
    """List events that are not in the chain, among those that may have been committed since the last link."""
    last = session.scalar(select(AuditLinkRow.audit_id).where(AuditLinkRow.position == head.position)) or 0
    return session.scalars(
        select(AuditRow)
        .outerjoin(AuditLinkRow, AuditLinkRow.audit_id == AuditRow.id)
        .where(AuditLinkRow.position.is_(None), AuditRow.id > last - _LATE)
        .order_by(AuditRow.id)
        .limit(limit)
    ).all()


def _list_unsealed(db: Database, now: datetime) -> Iterator[Fault]:
    query = (
        select(AuditRow.id)
        .outerjoin(AuditLinkRow, AuditLinkRow.audit_id == AuditRow.id)
        .where(AuditLinkRow.position.is_(None), AuditRow.at < now - SEALED_WITHIN)
        .order_by(AuditRow.id)
    )
    for rows in db.rows(query, batch=_BATCH):
        for (event,) in rows:
            yield Fault("unsealed", 0, event)
