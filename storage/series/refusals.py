"""Images of a series that were refused at receipt: each is missing until it is stored under its UID after all.

A refused slice at the edge of a scan leaves no gap. So each is an event of the audit log, which survives a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.engine import Database
from storage.database.models import AuditRow, InstanceRow
from storage.series.reopening import reopen

KIND: Final = "refused"
MOST_OF_SERIES: Final = 1000
"""More refused images of one series are not noted, so that a sender that never gives up fills no disk."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An image that was refused, and why; what stands for its SOP Instance UID need not be a valid one."""

    series_instance_uid: str
    sop_instance_uid: str
    calling_ae: str
    reason: str


def note(db: Database, refusal: Refusal, now: datetime) -> bool:
    """Note a refused image of a series, known yet or not, and return whether it is news.

    It is none when its UID is stored or noted already. A series that was complete returns to receiving, as for a late
    slice: its score would not tell that an image is missing. Raises Transient when the database does not take it.
    """
    series_instance_uid, sop_instance_uid = refusal.series_instance_uid, refusal.sop_instance_uid
    with db.session() as session:
        if _is_known(session, refusal):
            return False
        audit.record(
            session,
            now,
            KIND,
            refusal.reason,
            series_instance_uid=series_instance_uid,
            sop_instance_uid=sop_instance_uid,
            peer_ae=refusal.calling_ae,
        )
        reopen(session, series_instance_uid, now)
        return True


def list_missing(db: Database, series_instance_uid: str) -> list[str]:
    """List the SOP Instance UIDs of refused images of a series that have not been stored since, the first first."""
    query = select(AuditRow.sop_instance_uid).where(*_missing(series_instance_uid)).order_by(AuditRow.id)
    with db.reading() as session:
        return list(session.scalars(query))


def count_missing(db: Database, series_instance_uid: str) -> int:
    """Count what `list_missing` lists."""
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(AuditRow).where(*_missing(series_instance_uid))) or 0


def _is_known(session: Session, refusal: Refusal) -> bool:
    """Return whether the UID is stored, in this series or another, or noted, or no more is noted of the series."""
    stored = exists().where(InstanceRow.sop_instance_uid == refusal.sop_instance_uid)
    noted = _of_series(refusal.series_instance_uid)
    again = exists().where(*noted, AuditRow.sop_instance_uid == refusal.sop_instance_uid)
    if session.scalar(select(stored | again)):
        return True
    return (session.scalar(select(func.count()).select_from(AuditRow).where(*noted)) or 0) >= MOST_OF_SERIES


def _missing(series_instance_uid: str) -> tuple[ColumnElement[bool], ...]:
    stored = exists().where(InstanceRow.sop_instance_uid == AuditRow.sop_instance_uid)
    return (*_of_series(series_instance_uid), ~stored)


def _of_series(series_instance_uid: str) -> tuple[ColumnElement[bool], ...]:
    return AuditRow.series_instance_uid == series_instance_uid, AuditRow.kind == KIND
