"""The list of series with their patients, page by page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select

from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow
from storage.overview.selection import Selection, SortKey, list_conditions, list_order
from storage.series.states import State

MOST_COUNTED: Final = 10_000
"""More matches are not counted: nobody turns that many pages."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Patient and study as their first object describes them, each value as DICOM writes it."""

    name: str
    patient_id: str
    birth_date: str
    sex: str
    study_date: str
    study_time: str
    accession_number: str
    study_description: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A series in a list; `reason_values` are those of `reason_code`, empty for a reason that has words alone.

    `wants_review` is whether its range spans categories or is open and no reader has signed; `reader` is who has.
    """

    series_instance_uid: str
    study_instance_uid: str
    patient: Patient
    series_number: str
    description: str
    modality: str
    scanner: str
    state: State
    version: int
    instance_count: int
    hidden_count: int
    reason_code: str
    reason: str
    reason_values: Mapping[str, Any]
    wait_until: datetime | None
    wait_reason: str
    agatston: float | None
    category: str
    wants_review: bool
    reader: str
    calling_ae: str
    first_received_at: datetime
    last_received_at: datetime
    completed_at: datetime | None
    updated_at: datetime


def list_series(
    db: Database,
    selection: Selection,
    *,
    order: SortKey = "received",
    descending: bool = True,
    limit: int = 50,
    offset: int = 0,
) -> list[Listed]:
    """List one page of the series that a selection leaves."""
    by = list_order(order, descending=descending)
    # the page is cut before anything is read of its rows: those before it are stepped over in an index
    page = select(SeriesRow.id).where(*list_conditions(selection, db.engine.dialect.name))
    if selection.concerns_study or order in ("study", "patient"):
        page = page.join(StudyRow)
    chosen = page.order_by(*by).limit(limit).offset(offset).subquery()
    query = _select_listed().join(chosen, chosen.c.id == SeriesRow.id).order_by(*by)
    with db.reading() as session:
        return [_to_listed(*row) for row in session.execute(query)]


def count_series(db: Database, selection: Selection) -> int:
    """Count the series that a selection leaves, up to `MOST_COUNTED` and one more."""
    found = select(SeriesRow.id).where(*list_conditions(selection, db.engine.dialect.name))
    if selection.concerns_study:
        found = found.join(StudyRow)
    query = select(func.count()).select_from(found.limit(MOST_COUNTED + 1).subquery())
    with db.reading() as session:
        return session.scalar(query) or 0


def find_listed(db: Database, series_instance_uid: str) -> Listed | None:
    """Find one series, whatever its state; None when there is none."""
    query = _select_listed().where(SeriesRow.series_instance_uid == series_instance_uid)
    with db.reading() as session:
        row = session.execute(query).one_or_none()
        return None if row is None else _to_listed(*row)


def count_states(db: Database) -> dict[State, int]:
    """Count the series in each state."""
    query = select(SeriesRow.state, func.count()).group_by(SeriesRow.state)
    with db.reading() as session:
        return {State(state): count for state, count in session.execute(query)}


def list_senders(db: Database) -> list[str]:
    """List the AE titles that series came from."""
    query = select(SeriesRow.calling_ae).where(SeriesRow.state != State.KEPT).distinct().order_by(SeriesRow.calling_ae)
    with db.reading() as session:
        return [name for name in session.scalars(query) if name]


def _select_listed() -> Select[SeriesRow, StudyRow]:
    return select(SeriesRow, StudyRow).join(StudyRow, SeriesRow.study_id == StudyRow.id)


def _to_listed(series: SeriesRow, study: StudyRow) -> Listed:
    return Listed(
        series_instance_uid=series.series_instance_uid,
        study_instance_uid=study.study_instance_uid,
        patient=_to_patient(study),
        series_number=series.series_number,
        description=series.series_description,
        modality=series.modality,
        scanner=" ".join(filter(None, (series.manufacturer, series.manufacturer_model_name))),
        state=State(series.state),
        version=series.version,
        instance_count=series.instance_count,
        hidden_count=series.hidden_count,
        reason_code=series.reason_code,
        reason=series.reason,
        reason_values=json.loads(series.reason_values) if series.reason_values else {},
        wait_until=series.wait_until,
        wait_reason=series.wait_reason,
        agatston=series.agatston,
        category=series.category,
        wants_review=series.wants_review,
        reader=series.reader,
        calling_ae=series.calling_ae,
        first_received_at=series.first_received_at,
        last_received_at=series.last_received_at,
        completed_at=series.completed_at,
        updated_at=series.updated_at,
    )


def _to_patient(study: StudyRow) -> Patient:
    return Patient(
        name=study.patient_name,
        patient_id=study.patient_id,
        birth_date=study.patient_birth_date,
        sex=study.patient_sex,
        study_date=study.study_date,
        study_time=study.study_time,
        accession_number=study.accession_number,
        study_description=study.study_description,
    )
