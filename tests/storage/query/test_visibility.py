"""Superseded documents are found only by their UID, rejected objects not at all, and every number agrees with that."""

from __future__ import annotations

import io

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from sqlalchemy import select, update

from storage.database.models import InstanceRow, SeriesRow
from storage.query.search import Search
from storage.series import documents

SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.33"
REPORTS = "1.2.1.8"


def ask(node, level: str, root: str = "study", **keys: str) -> list[Dataset]:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    matches = Search.parse(root, identifier).encode_matches(node.db, implicit=True)
    return [read_dataset(io.BytesIO(match), is_implicit_VR=True, is_little_endian=True) for match in matches]


def list_uids(node, **keys: str) -> list[str]:
    return sorted(item.SOPInstanceUID for item in ask(node, "IMAGE", **{"SOPInstanceUID": ""} | keys))


@pytest.fixture
def patient(node):
    """A series of three images, and a report of each of its two versions in one series of documents."""
    node.series(3, PatientID="7")
    for version in (1, 2):
        uid = f"{REPORTS}.{version}"
        report = node.ct(SOPClassUID=SR_CLASS, Modality="SR", SeriesInstanceUID=REPORTS, SOPInstanceUID=uid)
        node.store(report, origin="made")
        documents.note(node.db, uid, "1.2.1.1", version)
    return node


def supersede(node, **which) -> None:
    with node.db.session() as session:
        documents.supersede(session, "1.2.1.1", **which)


def reject(node, *uids: str) -> None:
    with node.db.session() as session:
        session.execute(update(InstanceRow).where(InstanceRow.sop_instance_uid.in_(uids)).values(rejected=True))
        documents.count_hidden(session, set(session.scalars(select(SeriesRow.id))))


def test_a_superseded_report_is_not_listed(patient):
    assert list_uids(patient, SeriesInstanceUID=REPORTS) == [f"{REPORTS}.1", f"{REPORTS}.2"]
    supersede(patient, before=2)
    assert list_uids(patient, SeriesInstanceUID=REPORTS) == [f"{REPORTS}.2"]
    assert len(list_uids(patient, StudyInstanceUID="1.2.1")) == 4


def test_a_superseded_report_is_found_by_its_uid(patient):
    supersede(patient, before=2)
    assert list_uids(patient, SOPInstanceUID=f"{REPORTS}.1") == [f"{REPORTS}.1"]
    assert list_uids(patient, SOPInstanceUID=f"{REPORTS}.1\\{REPORTS}.2") == [f"{REPORTS}.1", f"{REPORTS}.2"]


def test_a_rejected_object_is_not_found_by_its_uid_either(patient):
    reject(patient, "1.2.1.1.2")
    assert list_uids(patient, SOPInstanceUID="1.2.1.1.2") == []
    assert list_uids(patient, SeriesInstanceUID="1.2.1.1") == ["1.2.1.1.1", "1.2.1.1.3"]


def test_the_numbers_are_those_of_what_is_answered(patient):
    supersede(patient, before=2)
    reject(patient, "1.2.1.1.2")
    (study,) = ask(patient, "STUDY", NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances="")
    assert (study.NumberOfStudyRelatedSeries, study.NumberOfStudyRelatedInstances) == (2, 3)
    series = ask(patient, "SERIES", SeriesInstanceUID="", NumberOfSeriesRelatedInstances="")
    assert {item.SeriesInstanceUID: item.NumberOfSeriesRelatedInstances for item in series} == {
        "1.2.1.1": 2,
        REPORTS: 1,
    }
    (person,) = ask(patient, "PATIENT", "patient", NumberOfPatientRelatedInstances="", NumberOfPatientRelatedSeries="")
    assert (person.NumberOfPatientRelatedInstances, person.NumberOfPatientRelatedSeries) == (3, 2)


def test_a_series_of_which_nothing_is_shown_is_not_there(patient):
    supersede(patient)
    assert [item.SeriesInstanceUID for item in ask(patient, "SERIES", SeriesInstanceUID="")] == ["1.2.1.1"]
    (study,) = ask(patient, "STUDY", ModalitiesInStudy="", SOPClassesInStudy="", NumberOfStudyRelatedSeries="")
    assert (study.ModalitiesInStudy, study.NumberOfStudyRelatedSeries) == ("CT", 1)
    assert study.SOPClassesInStudy == "1.2.840.10008.5.1.4.1.1.2"
    assert ask(patient, "STUDY", ModalitiesInStudy="SR") == []
    assert ask(patient, "STUDY", SOPClassesInStudy=SR_CLASS) == []


def test_a_study_and_a_patient_of_whom_nothing_is_shown_are_not_there(patient):
    other = patient.ct(StudyInstanceUID="1.3", SeriesInstanceUID="1.3.1", SOPInstanceUID="1.3.1.1", PatientID="7")
    patient.store(other)
    supersede(patient)
    reject(patient, "1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3")
    assert [item.StudyInstanceUID for item in ask(patient, "STUDY", StudyInstanceUID="")] == ["1.3"]
    (person,) = ask(patient, "PATIENT", "patient", PatientID="", NumberOfPatientRelatedStudies="")
    assert (person.PatientID, person.NumberOfPatientRelatedStudies) == ("7", 1)
    reject(patient, "1.3.1.1")
    assert ask(patient, "STUDY", StudyInstanceUID="") == []
    assert ask(patient, "PATIENT", "patient", PatientID="") == []
