"""A scored series gets a next version without being scored again: that of a reader."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from storage.database.models import SeriesRow
from storage.series import results
from storage.series.states import REPORTED, State, get


def amend(session: Session, series_instance_uid: str, version: int, score_json: str, now: datetime) -> int | None:
    """Store a reader's result as the version after `version`, in the caller's transaction, and return its number.

    The series is then scored, and its documents are to be made. None when the version is out of date: an image has come
    since, or the series is being scored again. Raises UnknownSeries.
    """
    before = get(session, series_instance_uid)
    if before.version != version or before.state not in REPORTED:
        return None
    results.save(session, series_instance_uid, version + 1, "scored", score_json, now=now)
    session.execute(
        update(SeriesRow)
        .where(SeriesRow.series_instance_uid == series_instance_uid)
        .values(
            state=State.SCORED,
            version=version + 1,
            completed_at=now,
            updated_at=now,
            wait_until=None,
            wait_reason="",
        )
    )
    return version + 1
