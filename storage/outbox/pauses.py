"""Destinations to which nothing is sent for now: their deliveries wait, and are due at once when they go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from storage.database import audit
from storage.database.engine import Database
from storage.database.pause_rows import PauseRow


@dataclass(frozen=True, slots=True)
class Pause:
    """A paused destination; `person` is who paused it, empty for the command line."""

    destination: str
    since: datetime
    person: str


def pause(db: Database, destination: str, now: datetime, *, person: str = "") -> bool:
    """Send nothing more to a destination until `resume`, and return whether that is news; what is under way goes on."""
    with db.session() as session:
        if session.get(PauseRow, destination, with_for_update=True) is not None:
            return False
        session.execute(insert(PauseRow).values(destination=destination, since=now, person=person))
        audit.record(session, now, "paused", peer_ae=destination, person=person)
        return True


def resume(db: Database, destination: str, now: datetime, *, person: str = "") -> bool:
    """Let deliveries to a destination go on, and return whether it was paused."""
    with db.session() as session:
        gone = session.scalar(
            delete(PauseRow).where(PauseRow.destination == destination).returning(PauseRow.destination)
        )
        if gone is None:
            return False
        audit.record(session, now, "resumed", peer_ae=destination, person=person)
        return True


def list_pauses(db: Database) -> list[Pause]:
    """List the paused destinations by name."""
    with db.reading() as session:
        return [
            Pause(row.destination, row.since, row.person)
            for row in session.scalars(select(PauseRow).order_by(PauseRow.destination))
        ]


def is_paused(db: Database, destination: str) -> bool:
    """Return whether nothing is sent to a destination for now."""
    with db.reading() as session:
        return session.scalar(select(PauseRow.destination).where(PauseRow.destination == destination)) is not None
