"""What rejection notes said of the objects of a series (IHE RAD TF-3 4.66); `storage.series.rejecting` obeys notes.

A note may come before the objects that it names: what it says is kept by SOP Instance UID and counts when they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from dicom.sop_classes import IMAGE_STORAGE
from storage.database.engine import Database
from storage.database.lifecycle_rows import RejectionRow
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.objects.header import InstanceHeader
from storage.series.priors import Person

RETENTION: Final = "retention"
"""The title of what was deleted because of its age alone: it may be stored again (4.66.4.4.3)."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that a note names."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class RejectionNote:
    """A rejection note: `title` is the name of its reason, as in `selection.rejection_notes`.

    `has_copies` is whether it lists identical documents in other studies (PS3.3 C.17.2.1), which name the same objects.
    """

    sop_instance_uid: str
    study_instance_uid: str
    title: str
    person: Person
    references: tuple[Reference, ...]
    peer_ae: str
    has_copies: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """How many objects of a series one note took out, and who sent it."""

    title: str
    note_sop_instance_uid: str
    peer_ae: str
    count: int
    images: int


def list_rejected(db: Database, series_instance_uid: str) -> list[Rejected]:
    """List the notes that took stored objects of a series out, the latest first; a lifted rejection is not listed."""
    images = func.count().filter(InstanceRow.sop_class_uid.in_(IMAGE_STORAGE))
    query = (
        select(RejectionRow.title, RejectionRow.note_sop_instance_uid, RejectionRow.peer_ae, func.count(), images)
        .join(InstanceRow, InstanceRow.sop_instance_uid == RejectionRow.sop_instance_uid)
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .where(SeriesRow.series_instance_uid == series_instance_uid, InstanceRow.rejected, in_force())
        .group_by(RejectionRow.title, RejectionRow.note_sop_instance_uid, RejectionRow.peer_ae)
        .order_by(func.max(RejectionRow.id).desc())
    )
    with db.reading() as session:
        return [Rejected(*row) for row in session.execute(query)]


def count_rejected_images(db: Database, series_instance_uid: str) -> int:
    """Count the CT images of a series that are rejected."""
    query = (
        select(func.count())
        .select_from(InstanceRow)
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .where(
            SeriesRow.series_instance_uid == series_instance_uid,
            InstanceRow.rejected,
            InstanceRow.sop_class_uid.in_(IMAGE_STORAGE),
        )
    )
    with db.reading() as session:
        return session.scalar(query) or 0


def is_rejected(session: Session, header: InstanceHeader) -> bool:
    """Return whether a note took an object out before it came: in this study and series, and not of another patient."""
    named = exists().where(
        RejectionRow.sop_instance_uid == header.sop_instance_uid,
        RejectionRow.series_instance_uid == header.series_instance_uid,
        RejectionRow.study_instance_uid == header.study_instance_uid,
        in_force(),
    )
    if not session.scalar(select(named)):
        return False
    study = session.scalar(select(StudyRow).where(StudyRow.study_instance_uid == header.study_instance_uid))
    return study is None or not is_other_person(get_person(study), Person.from_columns(header.study))


def in_force() -> ColumnElement[bool]:
    """Return whether a rejection counts."""
    return RejectionRow.lifted_at.is_(None)


def get_person(study: StudyRow) -> Person:
    """Return the patient of a study."""
    return Person(study.patient_id, study.issuer_of_patient_id, study.patient_birth_date, study.patient_sex)


def is_other_person(one: Person, other: Person) -> bool:
    """Return whether two descriptions contradict each other in anything that both state."""
    pairs = ((one.patient_id, other.patient_id), (one.issuer, other.issuer))
    return any(first and second and first != second for first, second in pairs) or one.contradicts(other)
