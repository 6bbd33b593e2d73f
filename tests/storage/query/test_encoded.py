"""A search's answers as bytes, against what pydicom writes for the objects that were stored."""

from __future__ import annotations

import io

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset

from storage.query.search import Search

KEYS = ("SOPInstanceUID", "SliceThickness", "PatientName", "PatientID", "Rows")


def written(dataset: Dataset, *, implicit: bool) -> bytes:
    buffer = io.BytesIO()
    file = DicomIO(buffer)
    file.is_little_endian = True
    file.is_implicit_VR = implicit
    write_dataset(file, dataset)
    return buffer.getvalue()


@pytest.mark.parametrize("implicit", [True, False])
def test_a_search_yields_the_bytes_of_its_answers(node, implicit):
    first = node.ct(SpecificCharacterSet="ISO_IR 192", PatientName="MÜLLER^JÖRG", PatientID="7", SliceThickness="2.5")
    second = node.ct(
        StudyInstanceUID="1.3", SeriesInstanceUID="1.3.1", SOPInstanceUID="1.3.1.1", PatientName="DOE", Rows=256
    )
    expected = []
    for stored in (first, second):
        node.store(stored)
        answer = Dataset()
        if stored is first:
            answer.SpecificCharacterSet = "ISO_IR 192"
        answer.QueryRetrieveLevel = "IMAGE"
        for keyword in KEYS:
            setattr(answer, keyword, stored.get(keyword))
        answer.RetrieveAETitle = None  # nothing is retrieved here
        answer.NumberOfStudyRelatedInstances = 1
        expected.append(written(answer, implicit=implicit))
    identifier = Dataset()
    # Requesting Physician is not supported: it does not come back (PS3.4 C.2.2.1.3)
    for keyword in (*KEYS, "RetrieveAETitle", "RequestingPhysician", "NumberOfStudyRelatedInstances"):
        setattr(identifier, keyword, None)
    identifier.QueryRetrieveLevel = "IMAGE"
    assert sorted(Search.parse("study", identifier).encode_matches(node.db, implicit=implicit)) == sorted(expected)


def test_closing_a_search_gives_the_connection_back(node):
    node.store(node.ct())
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    answers = Search.parse("study", identifier).encode_matches(node.db, implicit=True)
    assert next(answers)
    assert node.db.engine.pool.checkedout() == 1
    answers.close()
    assert node.db.engine.pool.checkedout() == 0
