"""A patient's earlier results in the index: this node's own scores, and reports received from others.

A patient is a Patient ID with its issuer (PS3.3 C.7.1.1), never a name; an empty Patient ID matches nobody. Two studies
whose date of birth or sex contradict each other are not of one patient, whatever their ID says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from dicom.text import read_text
from storage.database.engine import Database
from storage.database.models import InstanceRow, ResultRow, SeriesRow, StudyRow
from storage.objects.attributes import ATTRIBUTES

_MOST = 200
"""Maximum number of results, and of reports, read for one patient, latest studies first."""

_PERSON = ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
_LATEST_FIRST = (StudyRow.study_date.desc(), StudyRow.id)


@dataclass(frozen=True, slots=True)
class Person:
    """The patient of a study as indexed: text as in the objects, empty where they have no value."""

    patient_id: str
    issuer: str = ""
    birth_date: str = ""
    sex: str = ""

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> Self:
        """Read the patient of an object, as it would be indexed."""
        attributes = (ATTRIBUTES[name] for name in _PERSON)
        return cls(*(read_text(dataset, attribute.tag, attribute.vr) for attribute in attributes))

    @classmethod
    def from_columns(cls, study: Mapping[str, str]) -> Self:
        """Take the patient from the columns of an object's study (`InstanceHeader.study`)."""
        return cls(*(study[ATTRIBUTES[name].column] for name in _PERSON))

    def is_same(self, other: Person) -> bool:
        """Return whether ID and issuer agree; two empty issuers do, an empty ID agrees with nothing."""
        return bool(self.patient_id) and (self.patient_id, self.issuer) == (other.patient_id, other.issuer)

    def contradicts(self, other: Person) -> bool:
        """Return whether both have a date of birth or a sex and these differ."""
        pairs = ((self.birth_date, other.birth_date), (self.sex, other.sex))
        return any(ours and theirs and ours != theirs for ours, theirs in pairs)


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """The score of the latest version of a series in another study of the patient; dates are YYYYMMDD or empty."""

    study_instance_uid: str
    study_date: str
    series_instance_uid: str
    score_json: str
    report_uid: str


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """A received report of another study of the patient; `path` is relative to the store."""

    study_instance_uid: str
    study_date: str
    sop_instance_uid: str
    path: str


@dataclass(frozen=True, slots=True)
class Priors:
    """The patient of a series, and everything indexed of their other studies.

    `contradicting` lists the dates of studies left out because their patient cannot be the same.
    """

    person: Person
    study_date: str
    results: tuple[EarlierResult, ...]
    reports: tuple[EarlierReport, ...]
    contradicting: tuple[str, ...]


def find(db: Database, series_instance_uid: str, report_classes: Collection[str]) -> Priors:
    """Find earlier results of a series' patient; `report_classes` are the SOP classes that can be read as reports.

    A series whose latest version has no score has no result. Raises LookupError when the series is unknown.
    """
    with db.reading() as session:
        study = session.scalar(
            select(StudyRow)
            .join(SeriesRow, SeriesRow.study_id == StudyRow.id)
            .where(SeriesRow.series_instance_uid == series_instance_uid)
        )
        if study is None:
            raise LookupError(f"there is no series {series_instance_uid}")
        person = _get_person(study)
        same, contradicting = _find_studies(session, study, person)
        return Priors(
            person,
            study.study_date,
            tuple(_find_results(session, same)),
            tuple(_find_reports(session, same, report_classes)),
            tuple(contradicting),
        )


def _get_person(row: StudyRow) -> Person:
    return Person(row.patient_id, row.issuer_of_patient_id, row.patient_birth_date, row.patient_sex)


def _find_studies(session: Session, study: StudyRow, person: Person) -> tuple[list[int], list[str]]:
    """Find the row IDs of the patient's other studies, and the dates of those that contradict."""
    if not person.patient_id:
        return [], []
    others = session.scalars(
        select(StudyRow).where(
            StudyRow.patient_id == person.patient_id,
            StudyRow.issuer_of_patient_id == person.issuer,
            StudyRow.id != study.id,
        )
    ).all()
    same = [row.id for row in others if not person.contradicts(_get_person(row))]
    return same, sorted(row.study_date for row in others if row.id not in same)


def _find_results(session: Session, studies: Collection[int]) -> Iterator[EarlierResult]:
    later = aliased(ResultRow)
    latest = (
        select(func.max(later.version))
        .where(later.series_instance_uid == ResultRow.series_instance_uid)
        .correlate(ResultRow)
        .scalar_subquery()
    )
    query = (
        select(ResultRow, StudyRow.study_instance_uid, StudyRow.study_date)
        .join(SeriesRow, SeriesRow.series_instance_uid == ResultRow.series_instance_uid)
        .join(StudyRow)
        .where(StudyRow.id.in_(studies), ResultRow.version == latest, ResultRow.status == "scored")
        .where(_has_image(), not_(ResultRow.held))  # what is held back is named nowhere
        .order_by(*_LATEST_FIRST)
        .limit(_MOST)
    )
    for row, study_instance_uid, date in session.execute(query):
        yield EarlierResult(study_instance_uid, date, row.series_instance_uid, row.score_json, row.sr_sop_instance_uid)


def _find_reports(session: Session, studies: Collection[int], classes: Collection[str]) -> Iterator[EarlierReport]:
    query = (
        select(InstanceRow, StudyRow.study_instance_uid, StudyRow.study_date)
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .join(StudyRow)
        .where(StudyRow.id.in_(studies), SeriesRow.origin == "received", InstanceRow.sop_class_uid.in_(classes))
        .where(InstanceRow.rejected.is_(False))
        .order_by(*_LATEST_FIRST)
        .limit(_MOST)
    )
    for row, study_instance_uid, date in session.execute(query):
        yield EarlierReport(study_instance_uid, date, row.sop_instance_uid, row.path)


def _has_image() -> ColumnElement[bool]:
    """Return whether a series has an object that no rejection note took out: else its score says nothing any more.

    One whose images were deleted in time has a score that holds.
    """
    left = select(InstanceRow.id).where(InstanceRow.series_id == SeriesRow.id, InstanceRow.rejected.is_(False))
    return or_(left.correlate(SeriesRow).exists(), SeriesRow.images_deleted_at.is_not(None))
