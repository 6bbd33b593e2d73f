"""Failed attempts to sign in, by name: growing pauses, the same for names that exist and for those that do not.

A pause ends by itself, after a quarter of an hour at the latest: nobody can be locked out for good by another's
attempts. The table is bounded.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage.database.account_rows import FailureRow
from storage.database.engine import Database

FREE_ATTEMPTS: Final = 5
"""Failures before the first pause."""
_FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=15)
_FORGOTTEN: Final = timedelta(days=1)
MOST_KEYS: Final = 10_000


def make_key(name: str) -> str:
    """Return the digest under which the failures of a folded name are counted."""
    return hashlib.sha256(name.encode()).hexdigest()


def attempt(db: Database, key: str, now: datetime) -> datetime | None:
    """Count an attempt as failed until `clear` says otherwise; a pause refuses it: returned is when that ends.

    Counted before the password is compared, so that many attempts at once are no way round the pause.
    """
    with db.session() as session:
        row = session.scalar(select(FailureRow).where(FailureRow.key == key).with_for_update())
        if row is None:
            _make_room(session, now)
            row = FailureRow(key=key, count=0, last_at=now, locked_until=None)
            session.add(row)
        elif row.locked_until is not None and row.locked_until > now:
            return row.locked_until
        elif row.last_at + _FORGOTTEN <= now:
            row.count = 0
        row.count += 1
        row.last_at = now
        row.locked_until = now + pause_after(row.count) if row.count >= FREE_ATTEMPTS else None
        return None


def find_pause(db: Database, key: str, now: datetime) -> datetime | None:
    """Return until when attempts are refused; None where they are not."""
    with db.reading() as session:
        until = session.scalar(select(FailureRow.locked_until).where(FailureRow.key == key))
    return until if until is not None and until > now else None


def clear(db: Database, key: str) -> bool:
    """Forget the failures of a name, and return whether there were any."""
    with db.session() as session:
        return bool(session.execute(delete(FailureRow).where(FailureRow.key == key).returning(FailureRow.id)).all())


def list_paused(db: Database, now: datetime) -> dict[str, datetime]:
    """Return the keys of which attempts are refused now, and until when."""
    with db.reading() as session:
        rows = session.execute(select(FailureRow.key, FailureRow.locked_until).where(FailureRow.locked_until > now))
        return {key: until for key, until in rows if until is not None}


def pause_after(failures: int) -> timedelta:
    """Return the pause after so many failures: half a minute at first, doubled with each."""
    doublings = min(failures - FREE_ATTEMPTS, 10)
    return min(_FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _make_room(session: Session, now: datetime) -> None:
    """Forget what is old; where too many names were tried, those that were tried longest ago."""
    session.execute(delete(FailureRow).where(FailureRow.last_at <= now - _FORGOTTEN))
    surplus = (session.scalar(select(func.count()).select_from(FailureRow)) or 0) - MOST_KEYS + 1
    if surplus > 0:
        oldest = select(FailureRow.id).order_by(FailureRow.last_at, FailureRow.id).limit(surplus)
        session.execute(delete(FailureRow).where(FailureRow.id.in_(session.scalars(oldest).all())))
