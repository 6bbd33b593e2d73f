from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom.elements import numbers, text
from scoring.report.common.request import ReportRequest
from scoring.report.common.source import _STUDY_TAGS, copy_patient_and_study, find_changes
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
    ("keyword", "vr", "value", "written"),
    [
        ("PatientBirthDate", "DA", b"1960-02-29", "19600229"),
        ("PatientBirthDate", "DA", b"1960", ""),
        ("StudyDate", "DA", b"2024.01.02", "20240102"),
        ("StudyDate", "DA", b"00010101", "00010101"),
        ("StudyDate", "DA", b"02/01/2024", ""),
        ("StudyTime", "TM", b"10:11", "1011"),
        ("PatientSex", "CS", b"MALE", "M"),
        ("PatientSex", "CS", b"unknown ", ""),
        ("PatientAge", "AS", b"65", None),
        ("PatientAge", "AS", b"65y", "065Y"),
        ("PatientID", "LO", b"P" * 64, "P" * 64),
        ("PatientID", "LO", b"P" * 65, ""),
        ("PatientID", "LO", b"PID1\\PID2", "PID1"),
        ("PatientID", "LO", b"PID1\\PID1", "PID1"),
        ("PatientID", "UN", b"ID\x001", "ID1"),
        ("PatientID", "UT", b"ID 1 \n", "ID 1"),
        ("AccessionNumber", "SH", b"ACCESSION-NUMBER-WITH-MORE-THAN-16", ""),
        ("AccessionNumber", "SH", b"ACC1\\ACC2", "ACC1"),
        ("StudyID", "US", b"\x07\x00", "7"),
        ("StudyDescription", "LO", b"Chest\\Heart", "Chest / Heart"),
        ("StudyDescription", "LO", b"D" * 200, "D" * 64),
        ("PatientName", "PN", b"DOE^J\\DOE^K", "DOE^J"),
        ("PatientWeight", "DS", b"72,5", "72.5"),
        ("PatientWeight", "LO", b"72.5", "72.5"),
        ("PatientWeight", "FD", struct.pack("<d", 72.5), "72.5"),
        ("PatientWeight", "DS", b"eighty", None),
        ("PatientWeight", "SQ", b"", None),
        ("PregnancyStatus", "US", b"\x04\x00", 4),
        ("PregnancyStatus", "IS", b"4", 4),
        ("PregnancyStatus", "US", b"\x04", None),
        ("TimezoneOffsetFromUTC", "SH", b"+01:00", "+0100"),
        ("TimezoneOffsetFromUTC", "SH", b"+9999", None),
        ("PatientComments", "LT", b"one\r\ntwo\\three\x07 ", "one\r\ntwo\\three"),
        ("Allergies", "LO", b"nuts\\\\cats", ["nuts", "", "cats"]),
    ],
)
def test_values_are_copied_in_legal_encoding(
    keyword: str, vr: str, value: bytes, written: object, header_of: HeaderOf
) -> None:
    source = header_of(0)
    raw(source, keyword, value, vr)
    copied = copy_patient_and_study(source)
    assert (copied[keyword].value if keyword in copied else None) == written


@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [
        ("PatientBirthDate", b"1960-02-29", False),
        ("PatientBirthDate", b"00000000", False),
        ("PatientBirthDate", b"1960", True),
        ("PatientName", b"A^B^C^D^E^F", False),
        ("PatientName", b"A" * 65, True),
        ("PatientName", b"=" * 5, False),
        ("StudyDescription", b"Chest\\Heart", False),
        ("StudyDescription", b"D" * 65, True),
        ("PatientSex", b"MALE", False),
        ("PatientSex", b"1", True),
        ("AccessionNumber", b"A\\B", True),
    ],
)
def test_what_has_lost_something_is_told(keyword: str, value: bytes, told: bool, header_of: HeaderOf) -> None:
    source = header_of(0)
    raw(source, keyword, value, dictionary_VR(keyword))
    assert find_changes(source) == ([keyword] if told else [])


BROKEN = st.one_of(
    st.binary(max_size=90),
    st.text(max_size=90).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.from_regex(r"[0-9./: \\-]{0,20}", fullmatch=True).map(str.encode),
)
COPIED = sorted(
    tag
    for tag, entry in DicomDictionary.items()
    if (tag >> 16 == 0x0010 or tag in _STUDY_TAGS) and entry[4] != "StudyInstanceUID"
)
INSIDE = [Tag(word) for word in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning", "PatientID", "TypeOfPatientID")]
VRS = st.sampled_from([None, "UN", "UT", "LO", "SH", "DS", "FD", "US", "OB", "CS", "PN"])
REPERTOIRES = ["", "ISO_IR 100", "ISO IR 192", "\\ISO 2022 IR 87", "GB18030", "?", "ISO_IR 13\\ISO 2022 IR 87"]


def _raw(tag: int, vr: str | None, value: bytes) -> RawDataElement:
    vr = dictionary_VR(tag) if vr is None else vr
    return RawDataElement(Tag(tag), vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True)


@settings(max_examples=300)
@given(
    values=st.dictionaries(st.sampled_from(COPIED), st.tuples(VRS, BROKEN), max_size=12),
    inside=st.dictionaries(st.sampled_from(INSIDE), BROKEN),
    declared=st.sampled_from(REPERTOIRES),
)
def test_no_bytes_make_a_document_illegal(
    values: dict[int, tuple[str | None, bytes]],
    inside: dict[int, bytes],
    declared: str,
    complaints: Callable[[Dataset], list[str]],
) -> None:
    source = Dataset()
    source._dict[Tag("SpecificCharacterSet")] = _raw(0x00080005, None, declared.encode())
    for tag, (vr, value) in values.items():
        if dictionary_VR(tag) == "SQ":
            item = Dataset()
            item._dict.update({inner: _raw(inner, None, content) for inner, content in inside.items()})
            source.add(DataElement(tag, "SQ", [item]))
        else:
            source._dict[Tag(tag)] = _raw(tag, vr, value)
    find_changes(source)
    copied = copy_patient_and_study(source)
    copied.SpecificCharacterSet = "ISO_IR 192"
    buffer = io.BytesIO()
    copied.save_as(buffer, implicit_vr=False, little_endian=True)
    buffer.seek(0)
    assert complaints(copied) == complaints(dcmread(buffer, force=True)) == []


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
