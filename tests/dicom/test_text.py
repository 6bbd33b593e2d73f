"""Headers that break the rules are read without an exception and without a warning."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.errors import Rejected
from dicom.text import decode_text, fold, read_text
from storage.objects.attributes import ATTRIBUTES
from storage.objects.header import InstanceHeader

NAME, ID, DATE, TIME, NUMBER, ROWS = 0x00100010, 0x00100020, 0x00080020, 0x00080030, 0x00200013, 0x00280010
SPACING = 0x00280030
CHARACTER_SET = 0x00080005
IDENTITY = {
    "StudyInstanceUID": b"1.2.1",
    "SeriesInstanceUID": b"1.2.1.1",
    "SOPInstanceUID": b"1.2.1.1.1",
    "SOPClassUID": b"1.2.840.10008.5.1.4.1.1.2\0",
}


def raw(values, *, little_endian=True):
    """A data set as it comes from the network: bytes that nobody has looked at."""
    dataset = Dataset()
    for tag, value in values.items():
        dataset._dict[Tag(tag)] = RawDataElement(
            Tag(tag), None, len(value), value, 0, is_implicit_VR=True, is_little_endian=little_endian
        )
    return dataset


@pytest.mark.parametrize(
    ("tag", "vr", "value", "text"),
    [
        (ID, "LO", b" 12 \0", "12"),
        (ID, "LO", b"a\0b", "ab"),
        (ID, "LO", b"x" * 1000, "x" * 256),
        (DATE, "DA", b"2024.05.01", "20240501"),
        (TIME, "TM", b"10:15:00 ", "101500"),
        (NUMBER, "IS", b" +007 ", "7"),
        (NUMBER, "IS", b"seven", "seven"),
        (ROWS, "US", b"\x00\x02", "512"),
        (ROWS, "US", b"\x00\x02\x01", ""),
        (0x00080008, "CS", b"ORIGINAL\\PRIMARY \\AXIAL", "ORIGINAL\\PRIMARY\\AXIAL"),
        (0x00080018, "UI", b"../../x", "../../x"),
    ],
)
def test_raw_values(tag, vr, value, text):
    assert read_text(raw({tag: value}), tag, vr) == text


@pytest.mark.parametrize(
    ("tag", "vr", "stored_vr", "value", "text"),
    [
        (SPACING, "DS", "FD", struct.pack("<2d", 0.5, 0.488281), "0.5\\0.488281"),
        (SPACING, "DS", "UT", b"0.5\\0.25", "0.5\\0.25"),
        (SPACING, "DS", "OB", b"0.5\\0.25", "0.5\\0.25"),
        (ROWS, "US", "UL", b"\0\2\0\0", "512"),
        (ROWS, "US", "FD", struct.pack("<d", 512), "512"),
        (ROWS, "US", "DS", b"512 ", "512"),
        (ROWS, "US", "UN", b"\0\2", "512"),
        (ROWS, "US", "OW", b"\0\2", "512"),
        (NUMBER, "IS", "US", b"\7\0", "7"),
        (ID, "LO", "UT", b"12", "12"),
    ],
)
def test_values_in_another_representation(tag, vr, stored_vr, value, text):
    dataset = Dataset()
    dataset._dict[Tag(tag)] = RawDataElement(
        Tag(tag), stored_vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True
    )
    assert read_text(dataset, tag, vr) == text
    if stored_vr not in ("UN", "OB", "OW"):
        assert dataset[tag].value is not None  # which converts it
        assert read_text(dataset, tag, vr) == text


def test_big_endian_numbers():
    assert read_text(raw({ROWS: b"\x02\x00"}, little_endian=False), ROWS, "US") == "512"


@pytest.mark.parametrize(
    ("term", "name", "codec"),
    [
        ("", "Doe^John", "ascii"),
        ("ISO_IR 100", "Müller^Jörg", "latin-1"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东", "utf-8"),
        ("ISO_IR 126", "Διονυσιος", "iso8859_7"),
        ("GB18030", "王^小东", "gb18030"),
        ("no such term", "Müller", "latin-1"),
        ("ISO_IR 192", "Müller", "latin-1"),
        ("", "Müller", "latin-1"),
    ],
)
def test_character_sets(term, name, codec):
    dataset = raw({CHARACTER_SET: term.encode(), NAME: name.encode(codec)})
    assert read_text(dataset, NAME, "PN") == name


def test_code_extensions():
    # PS3.5 H.3.2, Japanese with ISO 2022 IR 87.
    value = b"Yamada^Tarou=" + b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    dataset = raw({CHARACTER_SET: b"\\ISO 2022 IR 87", NAME: value})
    assert read_text(dataset, NAME, "PN") == "Yamada^Tarou=山田^太郎"


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@given(st.dictionaries(st.sampled_from(sorted(a.tag for a in ATTRIBUTES.values())), st.binary(max_size=80)))
def test_no_bytes_make_reading_fail(values):
    dataset = raw({CHARACTER_SET: b"\\ISO 2022 IR 87"} if len(values) % 2 else {})
    dataset._dict.update(raw(values)._dict)
    for attribute in ATTRIBUTES.values():
        text = read_text(dataset, attribute.tag, attribute.vr)
        assert "\0" not in text
        assert len(text.encode("utf-8").decode()) <= 256


@given(st.text(max_size=300))
def test_converted_text_is_cleaned_too(value):
    dataset = Dataset()
    dataset.PatientComments = "placeholder"
    dataset[0x00104000]._value = value + "\ud800"
    text = read_text(dataset, 0x00104000, "LT")
    assert "\0" not in text
    assert text.encode("utf-8")


@pytest.mark.parametrize(
    "names",
    [
        ("DOE^JOHN", "Doe^John^^^"),
        ("Straße", "STRASSE"),
        ("A=B", "a=b=="),
        ("Müller", "MU\N{COMBINING DIAERESIS}LLER"),
        ("ガ", "カ\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}"),
        ("홍", "\u1112\u1169\u11bc"),
        ("ŞAHİN^IŞIK", "şahin^\N{LATIN SMALL LETTER DOTLESS I}ş\N{LATIN SMALL LETTER DOTLESS I}k"),
    ],
)
def test_fold_makes_equal(names):
    assert fold(names[0]) == fold(names[1])


def tags(values):
    return {ATTRIBUTES[keyword].tag: value for keyword, value in values.items()}


def test_header_takes_what_is_there():
    header = InstanceHeader.from_dataset(
        raw(tags(IDENTITY | {"PatientName": b"DOE^J^^", "Modality": b"CT"})), "1.2.840.1"
    )
    assert (header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid) == (
        "1.2.1",
        "1.2.1.1",
        "1.2.1.1.1",
    )
    assert header.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert header.transfer_syntax_uid == "1.2.840.1"
    assert header.study["patient_name"] == "DOE^J^^"
    assert header.study["patient_name_folded"] == "doe^j"
    assert header.series["series_number"] == ""


@pytest.mark.parametrize("keyword", IDENTITY)
@pytest.mark.parametrize("value", [None, b"", b" \0"])
def test_header_without_an_identity_is_refused(keyword, value):
    values = {key: content for key, content in IDENTITY.items() if key != keyword}
    if value is not None:
        values[keyword] = value
    with pytest.raises(Rejected, match=keyword) as refused:
        InstanceHeader.from_dataset(raw(tags(values)))
    assert refused.value.status == 0xA900


@pytest.mark.parametrize("value", [b"1." * 33, b"1.2\\1.3"])
def test_header_with_an_impossible_identity_is_refused(value):
    with pytest.raises(Rejected, match="SOPInstanceUID") as refused:
        InstanceHeader.from_dataset(raw(tags(IDENTITY | {"SOPInstanceUID": value})))
    assert refused.value.status == 0xC000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"1.2.3\0", "1.2.3"),
        (b"1.2.3 ", "1.2.3"),
        (b"1.2.3\n", "1.2.3\n"),
        (b"1.2\x003\0", "1.2\N{REPLACEMENT CHARACTER}3"),
        (b"1.2.3\\1.2.4\0", "1.2.3\\1.2.4"),
    ],
)
def test_a_uid_loses_its_padding_and_nothing_else(value, text):
    """What is removed inside an identifier makes another one."""
    assert decode_text(value, "UI", b"") == text
    assert read_text(raw({0x0020000D: value}), 0x0020000D, "UI") == text
