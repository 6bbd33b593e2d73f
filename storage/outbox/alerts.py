"""Incidents that somebody is told of: each once, again every day as long as it lasts, and when it is over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from storage.database.alert_rows import AlertRow
from storage.database.engine import Database

REMIND_AFTER: Final = timedelta(days=1)
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_ATTEMPTS_AT_AN_END: Final = 20

Details = Mapping[str, str | float]
"""Names, counts and sizes; nothing of patients."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that needs a person; `key` is the same as long as it lasts."""

    key: str
    event: str
    details: Details


@dataclass(frozen=True, slots=True)
class Alert:
    """An incident that is to be told now: that it is, still is, or (with `closed_at`) is over."""

    incident: Incident
    opened_at: datetime
    told_at: datetime | None
    closed_at: datetime | None


def observe(db: Database, found: Iterable[Incident], now: datetime) -> None:
    """Record what is the matter now: new incidents are due at once, so is the end of one that was told."""
    incidents = {incident.key: incident for incident in found}
    with db.session() as session:
        for row in session.scalars(select(AlertRow)).all():
            incident = incidents.pop(row.key, None)
            if incident is not None:
                row.details = json.dumps(dict(incident.details))
                if row.closed_at is not None:  # it is back before its end was told
                    row.closed_at, row.attempts = None, 0
                    row.due_at = now if row.told_at is None else row.told_at + REMIND_AFTER
            elif row.told_at is None:
                session.delete(row)
            elif row.closed_at is None:
                row.closed_at, row.attempts, row.due_at = now, 0, now
        for incident in incidents.values():
            session.add(
                AlertRow(
                    key=incident.key,
                    event=incident.event,
                    details=json.dumps(dict(incident.details)),
                    opened_at=now,
                    told_at=None,
                    closed_at=None,
                    attempts=0,
                    due_at=now,
                )
            )


def list_due(db: Database, now: datetime) -> list[Alert]:
    """List what is to be told now, the longest due first."""
    with db.reading() as session:
        rows = session.scalars(select(AlertRow).where(AlertRow.due_at <= now).order_by(AlertRow.due_at, AlertRow.key))
        return [
            Alert(Incident(row.key, row.event, json.loads(row.details)), row.opened_at, row.told_at, row.closed_at)
            for row in rows
        ]


def note_told(db: Database, alert: Alert, now: datetime) -> None:
    """Record that an alert was taken; one that is over is forgotten."""
    with db.session() as session:
        row = session.get(AlertRow, alert.incident.key)
        if row is None:
            return
        if alert.closed_at is not None and row.closed_at is not None:
            session.delete(row)
        elif alert.closed_at is None:
            row.told_at, row.attempts = now, 0
            row.due_at = now if row.closed_at is not None else now + REMIND_AFTER


def note_failed(db: Database, alert: Alert, now: datetime) -> None:
    """Record that nobody took an alert: it is due again later, the end of an incident twenty times at most."""
    with db.session() as session:
        row = session.get(AlertRow, alert.incident.key)
        if row is None:
            return
        row.attempts += 1
        if row.closed_at is not None and row.attempts >= _MOST_ATTEMPTS_AT_AN_END:
            session.delete(row)
            return
        row.due_at = now + min(_FIRST_PAUSE * 2 ** min(row.attempts - 1, 10), _LONGEST_PAUSE)
