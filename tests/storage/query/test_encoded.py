"""A search's answers as bytes, against what pydicom writes for the same answers."""

from __future__ import annotations

import io

import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset

from dicom.answers import element
from storage.query.search import Search


def written(dataset: Dataset, *, implicit: bool) -> bytes:
    buffer = io.BytesIO()
    file = DicomIO(buffer)
    file.is_little_endian = True
    file.is_implicit_VR = implicit
    write_dataset(file, dataset)
    return buffer.getvalue()


@pytest.mark.parametrize("implicit", [True, False])
def test_a_search_yields_the_bytes_of_its_answers(node, implicit):
    node.store(node.ct(SpecificCharacterSet="ISO_IR 192", PatientName="MÜLLER^JÖRG", PatientID="7"))
    node.store(node.ct(StudyInstanceUID="1.3", SeriesInstanceUID="1.3.1", SOPInstanceUID="1.3.1.1", SliceThickness="3"))
    identifier = Dataset()
    for tag in (
        0x00280010,
        0x00180050,
        0x00100010,
        0x00100020,
        0x00080018,
        0x00080054,
        0x00101010,
        0x00201208,
        0x00321032,
    ):
        identifier.add(element(tag, dictionary_VR(tag), None))
    identifier.QueryRetrieveLevel = "IMAGE"
    search = Search.parse("study", identifier)
    matches = list(search.run(node.db, retrieve_ae="CORONODE"))
    assert len(matches) == 2
    encoded = list(search.encoded(node.db, implicit=implicit, retrieve_ae="CORONODE"))
    assert encoded == [written(match, implicit=implicit) for match in matches]


def test_closing_a_search_gives_the_connection_back(node):
    node.store(node.ct())
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    answers = Search.parse("study", identifier).encoded(node.db, implicit=True)
    assert next(answers)
    assert node.db.engine.pool.checkedout() == 1
    answers.close()
    assert node.db.engine.pool.checkedout() == 0
