"""Results that are held back: no document is made of them, so that nothing is sent and no query answers them.

A result stays held when the node goes live. Its images may have been reported without it long ago, and hundreds of
documents of past weeks would surprise whoever reads them. So a person releases it, by itself or with all others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select, update

from storage.database import audit
from storage.database.engine import Database
from storage.database.models import ResultRow, SeriesRow
from storage.series.states import State


@dataclass(frozen=True, slots=True)
class Held:
    """A result that is held back."""

    series_instance_uid: str
    version: int
    created_at: datetime


def list_held(db: Database, limit: int | None = None) -> list[Held]:
    """List the current results that are held back, the latest first."""
    query = (
        select(ResultRow.series_instance_uid, ResultRow.version, ResultRow.created_at)
        .join(SeriesRow, _is_current())
        .order_by(ResultRow.created_at.desc(), ResultRow.id.desc())
        .limit(limit)
    )
    with db.reading() as session:
        return [Held(*row) for row in session.execute(query)]


def count_held(db: Database) -> int:
    """Count the current results that are held back."""
    query = select(func.count()).select_from(ResultRow).join(SeriesRow, _is_current())
    with db.reading() as session:
        return session.scalar(query) or 0


def is_held(db: Database, series_instance_uid: str) -> bool:
    """Return whether the current result of a series is held back."""
    query = (
        select(ResultRow.id).join(SeriesRow, _is_current()).where(ResultRow.series_instance_uid == series_instance_uid)
    )
    with db.reading() as session:
        return session.scalar(query) is not None


def release(
    db: Database, now: datetime, *, series_instance_uids: Collection[str] | None = None, person: str = ""
) -> list[str]:
    """Release the current results of these series, or all, and return the UIDs of those that were held.

    The node makes their documents within seconds and sends them. Each release is an event of the audit log.
    """
    held = {one.series_instance_uid: one.version for one in list_held(db)}
    wanted = held if series_instance_uids is None else [uid for uid in series_instance_uids if uid in held]
    released = []
    for uid in wanted:
        with db.session() as session:
            changed = session.scalars(
                update(ResultRow)
                .where(ResultRow.series_instance_uid == uid, ResultRow.version == held[uid], ResultRow.held)
                .values(held=False)
                .returning(ResultRow.id)
            ).all()
            if changed:
                audit.record(session, now, "released", f"version {held[uid]}", series_instance_uid=uid, person=person)
                released.append(uid)
    return released


def _is_current() -> ColumnElement[bool]:
    """Return whether a result is that of the current version of a scored series, and held back."""
    return and_(
        ResultRow.series_instance_uid == SeriesRow.series_instance_uid,
        ResultRow.version == SeriesRow.version,
        SeriesRow.state == State.SCORED,
        ResultRow.held,
    )
