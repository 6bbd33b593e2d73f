"""A series that was complete goes back to receiving when it turns out that an image is missing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.database.models import SeriesRow
from storage.series import lifecycle
from storage.series.states import State


def reopen(session: Session, series_instance_uid: str, now: datetime) -> bool:
    """Return a series that was complete to receiving, as a late slice does, and return whether it was.

    Its score would not tell that an image is missing.
    """
    finished = select(SeriesRow.id).where(
        SeriesRow.series_instance_uid == series_instance_uid,
        SeriesRow.state.not_in((State.RECEIVING, State.KEPT)),
        SeriesRow.instance_count > 0,
        SeriesRow.images_deleted_at.is_(None),  # what is missing then was here, and is known to be gone
    )
    if session.scalar(finished.with_for_update()) is None:
        return False
    lifecycle.return_to_receiving(session, series_instance_uid, now)
    return True
