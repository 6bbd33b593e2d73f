"""Values of headers in every state: as stored, as converted by pydicom, absent, empty, broken."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom import elements


def stored(vr: str | None = None, **values: bytes) -> Dataset:
    """A data set of encoded elements; without `vr` they are of implicit representation."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag = Tag(keyword)
        dataset._dict[tag] = RawDataElement(
            tag, vr, len(value), value, 0, is_implicit_VR=vr is None, is_little_endian=True
        )
    return dataset


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (b"1.5\\2", (1.5, 2.0)),
        (b" 1.5 \\+2E0 ", (1.5, 2.0)),
        (b"1,5", (1.5,)),
        (b"1,5\\2,25 ", (1.5, 2.25)),
        (b"1,5,2", None),
        (b"1.5\\", None),
        (b"1.5\\wide", None),
        (b"nan", None),
        (b"1e999", None),
        (b"", None),
        (b"  ", None),
    ],
)
def test_decimal_strings(value, numbers):
    dataset = stored(PixelSpacing=value)
    assert elements.numbers(dataset, "PixelSpacing") == numbers
    assert elements.number(dataset, "PixelSpacing") == (None if numbers is None else numbers[0])
    assert elements.numbers(dataset, "PixelSpacing", 3) is None


@pytest.mark.parametrize("vr", [None, "US", "UN"])
def test_binary_numbers(vr):
    assert elements.number(stored(vr, Rows=b"\x00\x02"), "Rows") == 512


NUMBERS_IN_OTHER_FORMS = [
    ("PixelSpacing", "UT", b"0.5\\0.25", (0.5, 0.25)),
    ("PixelSpacing", "LT", b"0.5\\0.25 ", (0.5, 0.25)),
    ("PixelSpacing", "LO", b"0.5\\0.25", (0.5, 0.25)),
    ("PixelSpacing", "UN", b"0.5\\0.25", (0.5, 0.25)),
    ("PixelSpacing", "OB", b"0.5\\0.25", (0.5, 0.25)),
    ("PixelSpacing", "FD", struct.pack("<2d", 0.5, 0.25), (0.5, 0.25)),
    ("PixelSpacing", "FL", struct.pack("<2f", 0.5, 0.25), (0.5, 0.25)),
    ("PixelSpacing", "FD", b"12345", None),
    ("KVP", "IS", b"120 ", (120.0,)),
    ("KVP", "IS", b"99.5", (99.5,)),
    ("KVP", "US", b"\x78\0", (120.0,)),
    ("Rows", "IS", b"512 ", (512.0,)),
    ("Rows", "DS", b"512 ", (512.0,)),
    ("Rows", "SS", b"\0\2", (512.0,)),
    ("Rows", "UL", b"\0\2\0\0", (512.0,)),
    ("Rows", "UV", b"\0\2" + bytes(6), (512.0,)),
    ("Rows", "SV", b"\0\2" + bytes(6), (512.0,)),
    ("Rows", "OB", b"\0\2", (512.0,)),
    ("Rows", "OW", b"\0\2", (512.0,)),
    ("RescaleIntercept", "SL", struct.pack("<l", -1024), (-1024.0,)),
]


@pytest.mark.parametrize(("keyword", "vr", "value", "numbers"), NUMBERS_IN_OTHER_FORMS)
def test_numbers_in_another_representation_than_the_dictionary_s(keyword, vr, value, numbers):
    dataset = stored(vr, **{keyword: value})
    assert elements.numbers(dataset, keyword) == numbers
    if numbers is not None and vr not in ("OB", "OW"):
        assert elements.value(dataset, keyword) is not None  # which converts it
        assert elements.numbers(dataset, keyword) == numbers


@pytest.mark.parametrize(
    ("keyword", "value", "texts"),
    [
        ("ImageType", b"ORIGINAL\\PRIMARY \\AXIAL", ("ORIGINAL", "PRIMARY", "AXIAL")),
        ("ImageType", b"\\PRIMARY", ("", "PRIMARY")),
        ("SOPInstanceUID", b"1.2.03\0", ("1.2.03",)),
        ("StudyDate", b"2024.05.01", ("2024.05.01",)),
        ("ImageComments", b"a\\b", ("a\\b",)),
        ("PatientSex", b"unknown value that is far too long", ("unknown value that is far too long",)),
        ("PatientAge", b"", ()),
    ],
)
def test_texts_are_as_stored(keyword, value, texts):
    dataset = stored(**{keyword: value})
    assert elements.texts(dataset, keyword) == texts
    assert elements.text(dataset, keyword) == (texts[0] if texts else "")


@given(st.lists(st.text("0123456789.-+ E", min_size=1, max_size=8), max_size=4))
def test_stored_and_converted_elements_give_the_same_numbers(parts):
    raw = stored(ImagePositionPatient="\\".join(parts).encode())
    converted = stored(ImagePositionPatient="\\".join(parts).encode())
    readable = elements.value(converted, "ImagePositionPatient") is not None
    assert elements.numbers(raw, "ImagePositionPatient") == (
        elements.numbers(converted, "ImagePositionPatient") if readable else None
    )


def test_what_is_not_there_is_nothing():
    empty = Dataset()
    assert (elements.value(empty, "KVP"), elements.text(empty, "KVP"), elements.texts(empty, "KVP")) == (None, "", ())
    assert elements.numbers(empty, "KVP") is None
    assert elements.inner(empty, "SharedFunctionalGroupsSequence", "PixelMeasuresSequence") is None
    assert elements.text(empty, "NoSuchKeyword") == ""


@pytest.mark.parametrize(
    ("stated", "tag", "vr"), [("CS", "Rows", "CS"), (None, "Rows", "US"), ("UN", "Rows", "US"), ("OB", "KVP", "DS")]
)
def test_the_dictionary_answers_where_the_header_does_not(stated, tag, vr):
    assert elements.known_vr(stated, Tag(tag)) == vr
    assert dictionary_VR(Tag("PixelPaddingValue")) == "US or SS"
    assert elements.known_vr(None, Tag("PixelPaddingValue")) == "US"
    assert elements.known_vr(None, Tag(0x00110010)) == "UN"


def written(folder: Path) -> Path:
    dataset = stored("IS", InstanceNumber=b"1 ")
    path = folder / "x.dcm"
    dataset.save_as(path, implicit_vr=False, little_endian=True)
    path.write_bytes(bytes(128) + b"DICM" + path.read_bytes())
    return path


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOENT])
@pytest.mark.parametrize("step", ["open", "read"])
def test_a_disk_that_is_away_is_never_taken_for_damage(tmp_path, monkeypatch, code, step):
    path = written(tmp_path)
    assert elements.opened(path) is not None

    def fail(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(*((Path, "open") if step == "open" else (elements, "dcmread")), fail)
    with pytest.raises(OSError, match=os.strerror(code)):
        elements.opened(path)


@pytest.mark.parametrize("error", [OSError("damaged"), OSError(errno.EINVAL, "Invalid argument"), EOFError()])
def test_damage_is_none(tmp_path, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    path = written(tmp_path)
    monkeypatch.setattr(elements, "dcmread", fail)
    assert elements.opened(path) is None


def test_a_file_that_is_named_must_be_there(tmp_path):
    path = written(tmp_path)
    (tmp_path / "below").mkdir()
    assert elements.find([path, tmp_path]) == [path]
    with pytest.raises(FileNotFoundError) as missing:
        elements.find([path, tmp_path / "gone.dcm"])
    assert missing.value.errno == errno.ENOENT
