"""Procedure steps that scanners perform, and the series that belong to them (PS3.4 F.7)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, select

from storage.database.announcements import PerformedSeriesRow, PerformedStepRow, PerformedStudyRow
from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow


class StepState(StrEnum):
    """Performed Procedure Step Status (0040,0252)."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


_WITH_CT: Final = ("CT", "PT", "NM", "")
"""Modalities of steps that may yield CT images: hybrid scanners name the other one."""


def is_open(db: Database, series_instance_uid: str) -> bool:
    """Return whether the step of a series is in progress.

    That is a step that names the series; where none does, one of its study on a scanner that makes CT images.
    """
    names = exists().where(
        PerformedSeriesRow.step_id == PerformedStepRow.id, PerformedSeriesRow.series_instance_uid == series_instance_uid
    )
    with db.reading() as session:
        states = set(session.scalars(select(PerformedStepRow.state).where(names)))
        if states:
            return StepState.IN_PROGRESS in states
        return session.scalar(select(PerformedStepRow.id).where(_of_study(series_instance_uid)).limit(1)) is not None


def _of_study(series_instance_uid: str) -> ColumnElement[bool]:
    study = exists().where(
        PerformedStudyRow.step_id == PerformedStepRow.id,
        PerformedStudyRow.study_instance_uid == StudyRow.study_instance_uid,
        StudyRow.id == SeriesRow.study_id,
        SeriesRow.series_instance_uid == series_instance_uid,
    )
    return and_(PerformedStepRow.state == StepState.IN_PROGRESS, PerformedStepRow.modality.in_(_WITH_CT), study)
