"""Values are read whatever representation they were stored in."""

from __future__ import annotations

import struct

import pytest
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from dicom.character_sets import DEFAULT_REPERTOIRE
from dicom.stored_text import read_stored_text

TAG = Tag("PatientWeight")


def read(value: bytes, stored: str | None, vr: str, *, little: bool = True) -> str | None:
    element = RawDataElement(TAG, stored, len(value), value, 0, is_implicit_VR=False, is_little_endian=little)
    return read_stored_text(element, vr, DEFAULT_REPERTOIRE)


@pytest.mark.parametrize(
    ("value", "stored", "vr", "text"),
    [
        (b"72.5", "DS", "DS", "72.5"),
        (b"72.5", "UN", "DS", "72.5"),
        (b"72.5", "OB", "DS", "72.5"),
        (b"72.5\\71", "UT", "DS", "72.5\\71"),
        (struct.pack("<d", 72.5), "FD", "DS", "72.5"),
        (struct.pack("<2H", 1, 2), "US", "IS", "1\\2"),
        (struct.pack("<H", 4), "UN", "US", "4"),
        (b"4", "IS", "US", "4"),
        (b"", "FD", "DS", ""),
        (b"72.5", None, "DS", "72.5"),
        ("Jörg".encode(), "OB", "LO", "Jörg"),
        (b"\x00\x00\x80\x3f", "OF", "DS", None),
        (b"", "SQ", "DS", ""),
    ],
)
def test_raw_values(value: bytes, stored: str | None, vr: str, text: str | None) -> None:
    assert read(value, stored, vr) == text


def test_numbers_of_big_endian() -> None:
    assert read(struct.pack(">H", 258), "US", "IS", little=False) == "258"


def test_numbers_of_a_wrong_length() -> None:
    assert read(b"\x01\x02\x03", "US", "US") is None


@pytest.mark.parametrize(
    ("vr", "value", "text"),
    [
        ("US", 0, "0"),
        ("LO", "", ""),
        ("LO", None, ""),
        ("LO", MultiValue(str, ["a", "b"]), "a\\b"),
        ("SQ", Sequence(), None),
    ],
)
def test_converted_values(vr: str, value: object, text: str | None) -> None:
    assert read_stored_text(DataElement(TAG, vr, value), "LO", DEFAULT_REPERTOIRE) == text
