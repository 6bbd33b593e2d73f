from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom.elements import numbers, text
from scoring.report.common.request import ReportRequest
from scoring.report.common.source import copy_patient_and_study
from scoring.report.sr import structured_report
from scoring.result import Score

HeaderOf = Callable[..., Dataset]
ReadBack = Callable[[Dataset], Dataset]

NAMES = [
    ("ISO_IR 100", "Ångström^Jürgen^^Dr."),
    ("ISO_IR 192", "Łukasiewicz^Ögmundur"),
    ("ISO_IR 144", "Иванов^Юрий"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    ("GB18030", "Wang^XiaoDong=王^小东"),
    ("ISO_IR 100", "X" * 64),
    ("ISO_IR 100", ""),
]


@pytest.mark.parametrize(("character_set", "name"), NAMES)
@pytest.mark.parametrize("touched", [False, True], ids=["raw", "read before"])
def test_names_of_every_script_survive(
    character_set: object,
    name: str,
    touched: bool,
    scores: dict[str, Score],
    header_of: HeaderOf,
    first: ReportRequest,
    read_back: ReadBack,
) -> None:
    plain = {"ReferringPhysicianName": "A^B", "StudyDescription": "C", "IssuerOfPatientID": "D"}
    source = header_of(0, SpecificCharacterSet=character_set, PatientName=name, **plain)
    if touched:
        assert str(source.PatientName) == name
    document = read_back(structured_report.build(scores["3"], [source], request=first))
    assert str(document.PatientName) == name
    assert document.SpecificCharacterSet == "ISO_IR 192"


LATIN = st.text(
    st.characters(codec="latin-1", exclude_characters="\\=^", exclude_categories=["Cc"]), min_size=1, max_size=64
).filter(lambda value: value.strip(" ") == value and value.strip("\xa0") == value)


@given(value=LATIN)
def test_any_latin_1_text_survives(value: str, header_of: HeaderOf) -> None:
    copied = copy_patient_and_study(header_of(0, StudyDescription=value, PatientName=value))
    assert copied.StudyDescription == value
    assert str(copied.PatientName) == value


def raw(source: Dataset, keyword: str, value: bytes, vr: str) -> None:
    tag = Tag(keyword)
    source[tag] = RawDataElement(tag, vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)


@pytest.mark.parametrize(
    ("declared", "stored", "expected"),
    [
        (None, "Jürgen".encode("latin-1"), "Jürgen"),
        (None, "Jürgen".encode(), "Jürgen"),
        ("ISO_IR 192", "Jürgen".encode("latin-1"), "Jürgen"),
        ("ISO-IR 100", "Jürgen".encode("latin-1"), "Jürgen"),
        ("NONSENSE", b"Plain", "Plain"),
    ],
)
def test_text_that_does_not_keep_its_character_set(
    declared: str | None, stored: bytes, expected: str, header_of: HeaderOf
) -> None:
    source = header_of(0, SpecificCharacterSet=None)
    if declared is not None:
        raw(source, "SpecificCharacterSet", declared.encode(), "CS")
    raw(source, "StudyDescription", stored, "LO")
    assert copy_patient_and_study(source).StudyDescription == expected


def test_an_unknown_escape_sequence_is_read_without_a_warning(header_of: HeaderOf) -> None:
    source = header_of(0)
    raw(source, "StudyDescription", b"ab\x1b$)Zcd", "LO")
    assert str(copy_patient_and_study(source).StudyDescription).startswith("ab")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientBirthDate", b"1960-02-29"),
        ("StudyTime", b"10:11"),
        ("PatientSex", b"unknown "),
        ("PatientAge", b"65"),
        ("StudyDate", b"00010101"),
    ],
)
def test_values_that_break_their_representation_are_copied(keyword: str, value: bytes, header_of: HeaderOf) -> None:
    source = header_of(0)
    vr = {"PatientBirthDate": "DA", "StudyTime": "TM", "PatientSex": "CS", "PatientAge": "AS", "StudyDate": "DA"}
    raw(source, keyword, value, vr[keyword])
    buffer = io.BytesIO()
    copied = copy_patient_and_study(source)
    copied.save_as(buffer, implicit_vr=False, little_endian=True)
    assert value.rstrip(b" ") in buffer.getvalue()


def test_a_number_that_is_none_is_left_out(header_of: HeaderOf) -> None:
    source = header_of(0)
    raw(source, "PatientWeight", b"eighty", "DS")
    assert "PatientWeight" not in copy_patient_and_study(source)


def test_references_to_nothing_are_left_out(header_of: HeaderOf) -> None:
    empty, half, whole = Dataset(), Dataset(), Dataset()
    empty.ReferencedSOPClassUID = empty.ReferencedSOPInstanceUID = ""
    half.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    whole.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    whole.ReferencedSOPInstanceUID = "1.2.840.99999.1.1"
    copied = copy_patient_and_study(header_of(0, ReferencedStudySequence=[empty, half, whole, Dataset()]))
    assert [item.ReferencedSOPInstanceUID for item in copied.ReferencedStudySequence] == ["1.2.840.99999.1.1"]
    assert "ReferencedStudySequence" not in copy_patient_and_study(header_of(0, ReferencedStudySequence=[empty]))


def test_private_and_image_elements_stay_behind(header_of: HeaderOf) -> None:
    source = header_of(0)
    source.add_new(0x00110010, "LO", "Somebody")
    source.add_new(0x00101099, "LO", "no such element")
    copied = copy_patient_and_study(source)
    assert not any(element.tag.is_private for element in copied)
    for keyword in ("PixelSpacing", "SeriesInstanceUID", "Manufacturer", "InstanceNumber"):
        assert keyword not in copied


def test_text_and_numbers_of_a_raw_header(header_of: HeaderOf) -> None:
    source = header_of(0)
    assert text(source, "SOPInstanceUID") == "1.2.840.99999.1.3.1"
    assert text(source, "PatientComments") == ""
    assert numbers(source, "PixelSpacing") == (1.5, 1.5)
    raw(source, "PixelSpacing", b"1.5\\wide", "DS")
    assert numbers(source, "PixelSpacing") is None
    assert numbers(source, "SliceThickness") is None


def test_a_header_of_implicit_representation(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest, read_back: ReadBack
) -> None:
    buffer = io.BytesIO()
    plain = header_of(0)
    del plain.file_meta
    plain.save_as(buffer, implicit_vr=True, little_endian=True)
    buffer.seek(0)
    source: Any = dcmread(buffer, force=True)
    document = read_back(structured_report.build(scores["3"], [source], request=first))
    assert str(document.PatientName) == "Grün^Zoë"
    assert document.IssuerOfPatientID == "Klinik Süd"
