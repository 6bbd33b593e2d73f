"""The audit log: events are added and read, never changed, and contain no patient's name or ID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, insert, or_, select
from sqlalchemy.orm import Session

from storage.database.engine import Database, writing
from storage.database.models import AuditRow, SeriesRow


@dataclass(frozen=True, slots=True)
class Event:
    """One event; UIDs, AE titles and `person` (an account's login name) are empty where they do not apply.

    `id` counts the events.
    """

    at: datetime
    kind: str
    series_instance_uid: str
    sop_instance_uid: str
    peer_ae: str
    text: str
    person: str = ""
    id: int = 0


def record(
    where: Database | Session,
    now: datetime,
    kind: str,
    text: str = "",
    *,
    series_instance_uid: str = "",
    sop_instance_uid: str = "",
    peer_ae: str = "",
    person: str = "",
) -> None:
    """Add an event, in the caller's transaction if a session is given."""
    with writing(where) as session:
        session.execute(
            insert(AuditRow).values(
                at=now,
                kind=kind,
                text=text,
                series_instance_uid=series_instance_uid,
                sop_instance_uid=sop_instance_uid,
                peer_ae=peer_ae,
                person=person,
            )
        )


def record_all(db: Database, events: Sequence[Event]) -> None:
    """Add events in one transaction; their own IDs are not used. Raises Transient."""
    rows = [
        {
            "at": event.at,
            "kind": event.kind,
            "text": event.text,
            "series_instance_uid": event.series_instance_uid,
            "sop_instance_uid": event.sop_instance_uid,
            "peer_ae": event.peer_ae,
            "person": event.person,
        }
        for event in events
    ]
    with db.session() as session:
        session.execute(insert(AuditRow), rows)


def list_events(
    db: Database,
    *,
    series_instance_uid: str | None = None,
    kind: str | None = None,
    person: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Event]:
    """List events, newest first, of one series, kind or person if asked; `before` is the ID that ends the list."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if series_instance_uid is not None:
        query = query.where(_concerns(series_instance_uid))
    if kind is not None:
        query = query.where(AuditRow.kind == kind)
    if person is not None:
        query = query.where(AuditRow.person == person)
    if before is not None:
        query = query.where(AuditRow.id < before)
    with db.reading() as session:
        return [to_event(row) for row in session.scalars(query)]


def _concerns(series_instance_uid: str) -> ColumnElement[bool]:
    """Match the events of a series: its own, and those of another series of its study whose text names it, too."""
    study = select(SeriesRow.study_id).where(SeriesRow.series_instance_uid == series_instance_uid).scalar_subquery()
    others = select(SeriesRow.series_instance_uid).where(SeriesRow.study_id == study)
    named = AuditRow.text.contains(f'"{series_instance_uid}"', autoescape=True)
    return or_(
        AuditRow.series_instance_uid == series_instance_uid, and_(AuditRow.series_instance_uid.in_(others), named)
    )


def to_event(row: AuditRow) -> Event:
    """Convert a row to the value that leaves this package."""
    return Event(
        row.at, row.kind, row.series_instance_uid, row.sop_instance_uid, row.peer_ae, row.text, row.person, row.id
    )
