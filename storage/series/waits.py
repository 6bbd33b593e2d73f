"""What a series waits for before it goes on, and until when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from storage.database.columns import UtcDateTime
from storage.database.engine import Database, writing
from storage.database.models import SeriesRow
from storage.series.states import PENDING, State


def wait(db: Database, series_instance_uid: str, until: datetime, reason: str) -> None:
    """Record why a quiet series is not complete yet; the next slice clears it."""
    with db.session() as session:
        session.execute(
            update(SeriesRow)
            .where(SeriesRow.series_instance_uid == series_instance_uid)
            .where(SeriesRow.state == State.RECEIVING)
            .values(wait_until=until, wait_reason=reason)
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """For how many seconds nothing has been heard of a series whose last instance was received at `last`."""

    series_instance_uid: str
    last: datetime
    seconds: float


def note_silences(db: Database, silences: Collection[Silence]) -> None:
    """Record how long series have been waited for; what has had another instance meanwhile is left alone.

    Seconds that somebody has counted, and no times of day: those of a clock that jumps would end a wait early.
    """
    if not silences:
        return
    statement = (
        update(SeriesRow)
        .where(SeriesRow.series_instance_uid == bindparam("uid"))
        .where(SeriesRow.last_received_at == bindparam("last", type_=UtcDateTime()))
        .values(silent_seconds=bindparam("seconds"), silent_since=SeriesRow.last_received_at)
        .execution_options(synchronize_session=False)
    )
    rows = [{"uid": each.series_instance_uid, "last": each.last, "seconds": each.seconds} for each in silences]
    with db.session() as session:
        session.connection().execute(statement, rows)


def postpone(db: Database, series_instance_uid: str, version: int, until: datetime, reason: str) -> None:
    """Record why a version is not scored or reported yet, and when that is tried again."""
    with db.session() as session:
        session.execute(
            update(SeriesRow)
            .where(SeriesRow.series_instance_uid == series_instance_uid)
            .where(SeriesRow.version == version, SeriesRow.state.in_(PENDING))
            .values(wait_until=until, wait_reason=reason)
        )


def stop_waiting(where: Database | Session, series_instance_uid: str | None = None) -> None:
    """Forget what a series waits for after `postpone`; every such series, so that a start tries them at once."""
    with writing(where) as session:
        query = update(SeriesRow).where(SeriesRow.state.in_(PENDING), SeriesRow.wait_until.is_not(None))
        if series_instance_uid is not None:
            query = query.where(SeriesRow.series_instance_uid == series_instance_uid)
        session.execute(query.values(wait_until=None, wait_reason=""))
