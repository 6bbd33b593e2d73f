"""Marks of what was announced of series being received: one that changes says that something was, by whomever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping

from sqlalchemy import Select, func, select

from storage.database.announcement_rows import ExpectationRow, PerformedStepRow, PerformedStudyRow
from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow
from storage.series.states import State


def list_marks(db: Database) -> Mapping[str, Hashable]:
    """List the mark of each series that is being received and of which something was announced."""
    marks: defaultdict[str, tuple[Hashable, ...]] = defaultdict(tuple)
    with db.reading() as session:
        for query in (_ANNOUNCEMENTS, _STEPS):
            for series_instance_uid, *mark in session.execute(query):
                marks[series_instance_uid] = (*marks[series_instance_uid], *mark)
    return dict(marks)


_ANNOUNCEMENTS: Select[str, object, int, int] = (
    select(
        ExpectationRow.series_instance_uid,
        func.max(ExpectationRow.announced_at),
        func.sum(ExpectationRow.count),
        func.count(ExpectationRow.id).filter(ExpectationRow.final),
    )
    .join(SeriesRow, SeriesRow.series_instance_uid == ExpectationRow.series_instance_uid)
    .where(SeriesRow.state == State.RECEIVING)
    .group_by(ExpectationRow.series_instance_uid)
)
_STEPS: Select[str, object] = (
    select(SeriesRow.series_instance_uid, func.max(PerformedStepRow.updated_at))
    .join(StudyRow, SeriesRow.study_id == StudyRow.id)
    .join(PerformedStudyRow, PerformedStudyRow.study_instance_uid == StudyRow.study_instance_uid)
    .join(PerformedStepRow, PerformedStepRow.id == PerformedStudyRow.step_id)
    .where(SeriesRow.state == State.RECEIVING)
    .group_by(SeriesRow.series_instance_uid)
)
