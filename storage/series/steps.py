"""Procedure steps that scanners perform, and the series that belong to them (PS3.4 F.7).

A step that names no series yet belongs to all series of its studies that no other step names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Exists, and_, exists, select

from storage.database.announcement_rows import PerformedSeriesRow, PerformedStepRow, PerformedStudyRow
from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow

Images = Mapping[str, frozenset[str]]
"""SOP Instance UIDs of the CT images of each series, by Series Instance UID; empty for a series without any."""


class StepState(StrEnum):
    """Performed Procedure Step Status (0040,0252)."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step was discontinued (0040,0281): a code with its scheme and meaning, empty where not given."""

    code: str = ""
    scheme: str = ""
    meaning: str = ""

    def __str__(self) -> str:
        return self.meaning or " ".join(filter(None, (self.code, self.scheme)))


@dataclass(frozen=True, slots=True)
class Step:
    """A step without its patient; `started` and `ended` are dates and times as the scanner writes them (DA, TM)."""

    sop_instance_uid: str
    state: StepState = StepState.IN_PROGRESS
    modality: str = ""
    station_ae: str = ""
    started: str = ""
    ended: str = ""
    reason: Reason = field(default_factory=Reason)
    calling_ae: str = ""


_WITH_CT: Final = ("CT", "PT", "NM", "")
"""Modalities of steps that may yield CT images: hybrid scanners name the other one."""


def is_open(db: Database, series_instance_uid: str) -> bool:
    """Return whether the step of a series is in progress, as far as it may yield CT images."""
    open_step = select(PerformedStepRow.id).where(
        PerformedStepRow.state == StepState.IN_PROGRESS,
        PerformedStepRow.modality.in_(_WITH_CT),
        _has_study_of(series_instance_uid),
    )
    with db.reading() as session:
        states = set(session.scalars(select(PerformedStepRow.state).where(_names(series_instance_uid))))
        if states:
            return StepState.IN_PROGRESS in states
        return session.scalar(open_step.limit(1)) is not None


def list_steps(db: Database, series_instance_uid: str) -> list[Step]:
    """List the steps of a series, the first first: those that name it, else those of its study that name none."""
    query = select(PerformedStepRow).order_by(PerformedStepRow.id)
    nameless = ~exists().where(PerformedSeriesRow.step_id == PerformedStepRow.id)
    with db.reading() as session:
        rows = session.scalars(query.where(_names(series_instance_uid))).all()
        if not rows:
            rows = session.scalars(query.where(and_(nameless, _has_study_of(series_instance_uid)))).all()
        return [_to_step(row) for row in rows]


def find_discontinued(db: Database, series_instance_uid: str) -> Step | None:
    """Find the step that was discontinued with a series, unless a later one ended with it or an operator overruled."""
    query = (
        select(PerformedStepRow, PerformedSeriesRow.overruled)
        .join(PerformedSeriesRow, PerformedSeriesRow.step_id == PerformedStepRow.id)
        .where(
            PerformedSeriesRow.series_instance_uid == series_instance_uid,
            PerformedStepRow.state != StepState.IN_PROGRESS,
        )
        .order_by(PerformedStepRow.updated_at.desc(), PerformedStepRow.id.desc())
        .limit(1)
    )
    with db.reading() as session:
        found = session.execute(query).one_or_none()
        if found is None or found.overruled or found[0].state != StepState.DISCONTINUED:
            return None
        return _to_step(found[0])


def _names(series_instance_uid: str) -> Exists:
    return exists().where(
        PerformedSeriesRow.step_id == PerformedStepRow.id, PerformedSeriesRow.series_instance_uid == series_instance_uid
    )


def _has_study_of(series_instance_uid: str) -> ColumnElement[bool]:
    return exists().where(
        PerformedStudyRow.step_id == PerformedStepRow.id,
        PerformedStudyRow.study_instance_uid == StudyRow.study_instance_uid,
        StudyRow.id == SeriesRow.study_id,
        SeriesRow.series_instance_uid == series_instance_uid,
    )


def _to_step(row: PerformedStepRow) -> Step:
    return Step(
        sop_instance_uid=row.sop_instance_uid,
        state=StepState(row.state),
        modality=row.modality,
        station_ae=row.station_ae,
        started=row.started,
        ended=row.ended,
        reason=Reason(row.reason_code, row.reason_scheme, row.reason_meaning),
        calling_ae=row.calling_ae,
    )
