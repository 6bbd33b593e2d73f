"""C-FIND keys that no object contains: counts, lists, the patient of several studies (PS3.4 C.6.1.1, C.6.2.1).

Each is a correlated subquery of the one SELECT, so that no match costs a second query; it is built once, because that
takes longer than most queries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import aliased

from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.objects.attributes import Level
from storage.query.matching import Target, build_condition
from storage.query.visibility import count_shown, show_instance, show_series, show_study


def in_study(keyword: str, text: str, dialect: str) -> ColumnElement[bool] | None:
    """Match studies of which any series or object has one of the values (PS3.4 C.6.1.1.3, Modalities in Study)."""
    series = aliased(SeriesRow)
    if keyword == "ModalitiesInStudy":
        matched = build_condition(Target(series.modality.expression, "CS"), text, dialect)
        inside = select(series.id).where(show_series(series))
    else:
        instance = aliased(InstanceRow)
        matched = build_condition(Target(instance.sop_class_uid.expression, "UI"), text, dialect)
        inside = select(instance.id).join(series, instance.series_id == series.id).where(show_instance(instance))
    if matched is None:
        return None
    return inside.where(series.study_id == StudyRow.id, matched).correlate(StudyRow).exists()


def _aggregate_patient(query: Select[Any], other: type[StudyRow]) -> ColumnElement[Any]:
    """Evaluate an aggregate query over all studies `other` of a study's patient.

    A patient is one ID and issuer; without an ID, as after de-identification, patients are distinguished by name. These
    are two subqueries, because each can use an index and their OR cannot.
    """
    query = query.where(
        other.patient_id == StudyRow.patient_id, other.issuer_of_patient_id == StudyRow.issuer_of_patient_id
    )
    by_id = query.correlate(StudyRow).scalar_subquery()
    by_name = query.where(other.patient_name == StudyRow.patient_name).correlate(StudyRow).scalar_subquery()
    return case((StudyRow.patient_id != "", by_id), else_=by_name)


@cache
def first_of_patient() -> ColumnElement[bool]:
    """Select the first study received of each patient, which gives the patient's attributes."""
    other = aliased(StudyRow)
    first: ColumnElement[bool] = StudyRow.id == _aggregate_patient(
        select(func.min(other.id)).where(show_study(other)), other
    )
    return first


@cache
def _patient_studies() -> ColumnElement[Any]:
    other = aliased(StudyRow)
    return _aggregate_patient(select(func.count(other.id)).where(show_study(other)), other)


@cache
def _patient_series() -> ColumnElement[Any]:
    other, series = aliased(StudyRow), aliased(SeriesRow)
    query = select(func.count(series.id)).join(other, series.study_id == other.id).where(show_series(series))
    return _aggregate_patient(query, other)


@cache
def _patient_instances() -> ColumnElement[Any]:
    other, series = aliased(StudyRow), aliased(SeriesRow)
    query = select(func.sum(count_shown(series))).join(other, series.study_id == other.id)
    return _aggregate_patient(query, other)


@cache
def _study_series() -> ColumnElement[Any]:
    series = aliased(SeriesRow)
    query = select(func.count()).select_from(series).where(series.study_id == StudyRow.id, show_series(series))
    return query.correlate(StudyRow).scalar_subquery()


@cache
def _study_instances() -> ColumnElement[Any]:
    series = aliased(SeriesRow)
    query = select(func.sum(count_shown(series))).where(series.study_id == StudyRow.id)
    return query.correlate(StudyRow).scalar_subquery()


def _series_instances() -> ColumnElement[Any]:
    return count_shown(SeriesRow)


@cache
def _modalities() -> ColumnElement[Any]:
    series = aliased(SeriesRow)
    values = (
        select(series.modality.label("value")).where(series.study_id == StudyRow.id, show_series(series)).distinct()
    )
    inner = values.correlate(StudyRow).subquery()
    return select(func.aggregate_strings(inner.c.value, "\\")).scalar_subquery()


@cache
def _sop_classes() -> ColumnElement[Any]:
    series, instance = aliased(SeriesRow), aliased(InstanceRow)
    values = select(instance.sop_class_uid.label("value")).join(series, instance.series_id == series.id)
    values = values.where(series.study_id == StudyRow.id, show_instance(instance)).distinct()
    inner = values.correlate(StudyRow).subquery()
    return select(func.aggregate_strings(inner.c.value, "\\")).scalar_subquery()


COMPUTED: dict[str, Callable[[], ColumnElement[Any]]] = {
    "ModalitiesInStudy": _modalities,
    "SOPClassesInStudy": _sop_classes,
    "NumberOfPatientRelatedStudies": _patient_studies,
    "NumberOfPatientRelatedSeries": _patient_series,
    "NumberOfPatientRelatedInstances": _patient_instances,
    "NumberOfStudyRelatedSeries": _study_series,
    "NumberOfStudyRelatedInstances": _study_instances,
    "NumberOfSeriesRelatedInstances": _series_instances,
}
FROM_OUTSIDE = frozenset({"RetrieveAETitle", "InstanceAvailability"})
COMPUTED_LEVELS: dict[str, Level] = {
    "ModalitiesInStudy": "STUDY",
    "SOPClassesInStudy": "STUDY",
    "NumberOfPatientRelatedStudies": "PATIENT",
    "NumberOfPatientRelatedSeries": "PATIENT",
    "NumberOfPatientRelatedInstances": "PATIENT",
    "NumberOfStudyRelatedSeries": "STUDY",
    "NumberOfStudyRelatedInstances": "STUDY",
    "NumberOfSeriesRelatedInstances": "SERIES",
    "RetrieveAETitle": "PATIENT",
    "InstanceAvailability": "PATIENT",
}
