"""The query of a peer as an event: what names a patient is left out unless that is asked for."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom.sop_classes import STUDY_ROOT_FIND
from scp.services.query_event import LONGEST, make_query
from storage.auditing import statements

SYNTAXES = pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=["implicit", "explicit"]
)


def encode(identifier: Dataset, syntax: str) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    write_dataset(buffer, identifier)
    return buffer.getvalue()


def question() -> Dataset:
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.PatientName = "Müller^Jörg"
    identifier.PatientID = "4711"
    identifier.PatientBirthDate = "19400229"
    identifier.PatientSex = "M"
    identifier.AccessionNumber = "ACC77"
    identifier.StudyDescription = "Heart of Mrs Smith"
    identifier.StudyDate = "20240101-20240131"
    identifier.StudyInstanceUID = ["1.2.3", "1.2.4"]
    identifier.NumberOfStudyRelatedSeries = None
    item = Dataset()
    item.PatientID = "4711"
    identifier.OtherPatientIDsSequence = [item]
    identifier.add_new(0x00091001, "LO", "Smith")
    return identifier


def make(data: bytes, syntax: str, **fields: object) -> statements.Queried:
    known = {"host": "::ffff:192.0.2.1", "calling_ae": "VIEWER ", "failed": False, "patient_ids": False}
    event = make_query(STUDY_ROOT_FIND, syntax, data, **(known | fields))
    assert (event.kind, event.peer_ae) == (statements.QUERIED, "VIEWER")
    found = statements.read(event.kind, event.make_text(1))
    assert isinstance(found, statements.Queried)
    return found


@SYNTAXES
def test_values_that_name_a_patient_are_left_out(syntax):
    asked = question()
    found = make(encode(asked, syntax), syntax)
    assert (found.host, found.level, found.transfer_syntax_uid) == ("192.0.2.1", "STUDY", syntax)
    data = base64.b64decode(found.query)
    kept = read_dataset(BytesIO(data), is_implicit_VR=syntax == ImplicitVRLittleEndian, is_little_endian=True)
    assert list(kept.keys()) == sorted(asked.keys())
    assert {item.keyword: item.value for item in kept if item.value} == {
        "SpecificCharacterSet": "ISO_IR 192",
        "QueryRetrieveLevel": "STUDY",
        "StudyDate": "20240101-20240131",
        "StudyInstanceUID": ["1.2.3", "1.2.4"],
    }
    assert not any(word in data for word in (b"4711", b"ller", b"Smith", b"1940", b"ACC77"))


@SYNTAXES
def test_where_messages_name_patients_the_query_is_whole(syntax):
    data = encode(question(), syntax)
    assert base64.b64decode(make(data, syntax, patient_ids=True).query) == data


def test_a_name_in_the_place_of_a_uid_is_left_out():
    data = b"\x20\x00\x0d\x00\x0c\x00\x00\x00Smith^Joanna"
    assert b"Smith" not in base64.b64decode(make(data, ImplicitVRLittleEndian).query)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"garbage" * 20, bytes(range(256)) * 4, b"\x08\x00\x52\x00\xff\xff\xff\xff"]
)
@SYNTAXES
def test_garbage_is_an_event_too(data, syntax):
    make(data, syntax, failed=True)


def test_a_query_that_is_too_long_is_named_and_not_repeated():
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.StudyInstanceUID = [f"1.2.{number}" for number in range(2000)]
    data = encode(asked, ImplicitVRLittleEndian)
    assert len(data) > LONGEST
    assert make(data, ImplicitVRLittleEndian, patient_ids=True).query == ""


def test_the_same_query_of_the_same_peer_is_a_repeat():
    def same(data: bytes = b"", **fields: object):
        known = {"host": "192.0.2.1", "calling_ae": "VIEWER", "failed": False, "patient_ids": False}
        return make_query(STUDY_ROOT_FIND, ImplicitVRLittleEndian, data, **(known | fields)).same

    assert same() == same()
    others = {same(b"x"), same(host="192.0.2.2"), same(calling_ae="OTHER"), same(failed=True)}
    assert len(others) == 4
    assert same() not in others
