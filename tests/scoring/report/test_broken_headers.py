"""Every kind of document from headers that break the rules: valid by an independent check, its meaning kept."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from scoring.report import seg
from scoring.report.common.request import ReportRequest
from scoring.report.pictures import overlay
from scoring.report.printed import pdf
from scoring.report.sr import structured_report
from scoring.result import Score

BROKEN: Final[dict[str, dict[str, bytes | tuple[str, bytes]]]] = {
    "dates with dots, dashes, slashes": {
        "StudyDate": b"2024.01.02",
        "StudyTime": b"10:15:00",
        "PatientBirthDate": b"1960-02-29",
    },
    "dates that are none": {
        "StudyDate": b"20241332",
        "StudyTime": b"996199",
        "PatientBirthDate": b"1960",
        "PatientAge": b"64",
    },
    "ambiguous dates": {"StudyDate": b"02/01/2024", "StudyTime": b"1015 AM", "PatientBirthDate": b"00000000"},
    "control characters": {
        "StudyDescription": b"Heart\r\nCT\tscore\x1b",
        "PatientName": b"DOE^J\x00\x07^",
        "AccessionNumber": b"A\n1",
        "PatientID": b"ID\x001",
        "PatientComments": b"one\r\ntwo\x07",
    },
    "too long": {
        "AccessionNumber": b"ACCESSION-NUMBER-WITH-MORE-THAN-16",
        "PatientID": b"P" * 80,
        "StudyDescription": b"D" * 200,
        "PatientName": b"VERYLONGFAMILY" * 8 + b"^GIVEN^^^",
        "StudyID": b"STUDYID-LONGER-THAN-SIXTEEN-CHARS",
        "ReferringPhysicianName": b"REF" * 40,
        "PatientSex": b"MALE",
        "EthnicGroup": b"a group of seventeen and more",
    },
    "several values": {
        "AccessionNumber": b"ACC1\\ACC2",
        "PatientID": b"PID1\\PID2",
        "StudyDescription": b"Chest\\Heart",
        "PatientName": b"DOE^J\\DOE^K",
        "StudyID": b"1\\2",
        "ReferringPhysicianName": b"A^B\\C^D",
        "PatientSex": b"M\\F",
        "StudyDate": b"20240102\\20240103",
        "PatientWeight": b"70\\71",
    },
    "codes in words": {
        "PatientSex": "männlich".encode(),
        "SmokingStatus": b"sometimes",
        "PatientSexNeutered": b"?",
        "QualityControlSubject": b"no",
    },
    "numbers": {
        "PatientWeight": b"72,5",
        "PatientSize": b"1.7100000000000000888",
        "PregnancyStatus": b"\x04",
        "PatientAge": b"-64Y",
    },
    "names of too many parts": {
        "PatientName": b"A^B^C^D^E^F=g=h=i",
        "ReferringPhysicianName": b"====",
        "PhysiciansOfRecord": b"A^B\\" + b"C" * 70,
    },
    "wrong representations": {
        "PatientName": ("UT", b"Doe^J"),
        "PatientID": ("UN", b"4711"),
        "StudyID": ("US", b"\x07\x00"),
        "PatientWeight": ("FD", struct.pack("<d", 72.5)),
        "StudyDate": ("LO", b"2024-01-02"),
        "PatientBirthDate": ("OB", b"19600229"),
        "PregnancyStatus": ("IS", b"4 "),
    },
    "a character set in another spelling": {
        "SpecificCharacterSet": b"GB18030\\ISO IR 192",
        "PatientName": "王^小东".encode("gb18030"),
        "StudyDescription": "心脏".encode("gb18030"),
    },
    "characters of other planes and directions": {
        "SpecificCharacterSet": b"UTF-8",
        "PatientName": "𠮷田^太郎".encode(),
        "PatientID": "\u05d0\u200e\u05d1\u202be\u0301".encode(),
    },
    "no offset from UTC": {"TimezoneOffsetFromUTC": b"+9999"},
    "removed identity without a method": {"PatientIdentityRemoved": b"YES"},
    "half a clinical trial": {"ClinicalTrialProtocolID": b"P1", "ClinicalTrialSubjectID": b"S1"},
    "a clinical trial without its empty elements": {
        "ClinicalTrialSponsorName": b"S",
        "ClinicalTrialProtocolID": b"P1",
        "ClinicalTrialSubjectID": b"S1",
    },
    "private elements": {"00100011": ("LO", b"PRIVATE"), "00101199": ("UN", b"\x01")},
    "no patient": dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber"),
        b" ",
    ),
}


def item(**values: object) -> Dataset:
    """An item as it comes: bytes are stored without a look at them."""
    dataset = Dataset()
    for keyword, value in values.items():
        if isinstance(value, bytes):
            put(dataset, keyword, dictionary_VR(keyword), value)
        else:
            setattr(dataset, keyword, value)
    return dataset


def put(dataset: Dataset, keyword: str, vr: str, value: bytes) -> None:
    tag = Tag(keyword)
    dataset._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)


CODE: Final = {"CodeValue": "1", "CodingSchemeDesignator": "99X", "CodeMeaning": "One"}
ITEMS: Final[dict[str, list[Dataset]]] = {
    "RequestAttributesSequence": [
        item(),
        item(
            RequestedProcedureID=b"REQUESTED-PROCEDURE-1234567",
            RequestedProcedureDescription=b"X" * 100,
            RequestedProcedureCodeSequence=[item()],
        ),
    ],
    "ReferencedStudySequence": [item(), item(ReferencedSOPClassUID=b"1.2.840.10008.3.1.2.3.1")],
    "ReferencedPatientSequence": [item(ReferencedSOPClassUID=b"x", ReferencedSOPInstanceUID=b"1.2.3")],
    "ProcedureCodeSequence": [
        item(),
        item(CodeMeaning=b"only words"),
        item(CodeValue=b"1", CodingSchemeDesignator=b"99X"),
        item(CodeValue=b"C" * 20, CodingSchemeDesignator=b"99X", CodeMeaning=b"M" * 70),
        item(**CODE, ContextIdentifier=b"100"),
    ],
    "IssuerOfAccessionNumberSequence": [item(UniversalEntityID=b"1.2.3", LocalNamespaceEntityID=b"HIS")],
    "OtherPatientIDsSequence": [item(PatientID=b"4"), item(PatientID=b"5", TypeOfPatientID=b"text")],
    "ReferringPhysicianIdentificationSequence": [item(InstitutionName=b"A house")],
    "PatientSizeCodeSequence": [],
}


@pytest.fixture
def documents(
    full: Score, refused: Score, first: ReportRequest, pixels: Callable[..., object]
) -> Callable[[list[Dataset]], Iterator[Dataset]]:
    """Every kind of document of a series."""

    def build(sources: list[Dataset]) -> Iterator[Dataset]:
        yield structured_report.build(full, sources, request=first)
        yield structured_report.build(full, sources, request=first, template="tid1500-3d")
        yield structured_report.build(full, sources, request=first, template="tid3900")
        yield structured_report.build(refused, sources[:1], request=first)
        segmentation = seg.build(full, sources, first)
        assert segmentation is not None
        yield segmentation
        yield next(iter(overlay.build(full, sources, first, pixels)))
        yield pdf.encapsulate(b"%PDF-1.7 %%EOF\n", full, sources, first, kind="pdf")
        yield pdf.encapsulate(b"%PDF-1.7 %%EOF\n", full, sources, first, kind="letter")

    return build


@pytest.mark.parametrize("name", BROKEN)
def test_every_document_of_a_broken_header_is_valid(
    name: str,
    sources: list[Dataset],
    documents: Callable[[list[Dataset]], Iterator[Dataset]],
    written: Callable[[Dataset], bytes],
    dciodvfy: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    for source in sources:
        for keyword, change in BROKEN[name].items():
            vr, value = change if isinstance(change, tuple) else (dictionary_VR(keyword), change)
            put(source, keyword, vr, value)
    for number, document in enumerate(documents(sources)):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(written(document))
        dciodvfy(path)


def test_every_document_of_broken_sequences_is_valid(
    sources: list[Dataset],
    documents: Callable[[list[Dataset]], Iterator[Dataset]],
    written: Callable[[Dataset], bytes],
    dciodvfy: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    for source in sources:
        for keyword, items in ITEMS.items():
            source.add(DataElement(Tag(keyword), "SQ", items))
    for number, document in enumerate(documents(sources)):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(written(document))
        dciodvfy(path)
