"""The short way through a header finds what pydicom finds, and never more than it may."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from dicom.text import decode_text, read_text
from storage.objects import head
from storage.objects.attributes import ATTRIBUTES, TIMEZONE

INDEXED = {**ATTRIBUTES, TIMEZONE.keyword: TIMEZONE}

SYNTAX = {True: "1.2.840.10008.1.2", False: "1.2.840.10008.1.2.1"}


def encoded(dataset: Dataset, *, implicit: bool) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def test_what_precedes_the_damage_is_read():
    whole = encoded(image(), implicit=False)
    values = head.read(whole, implicit=False, whole=True).values
    for end in range(0, len(whole), 7):
        found = head.read_until_damage(whole[:end], implicit=False)
        assert found.items() <= values.items()
        for tag in values.keys() - found.keys():
            assert encoded_at(whole, tag) + 8 + len(values[tag]) > end


def encoded_at(data: bytes, tag: int) -> int:
    """The offset of an element."""
    return data.index((tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little"))


def nested(depth: int, *, undefined: bool) -> Dataset:
    item = Dataset()
    item.CodeValue = "1"
    if depth:
        item.ConceptNameCodeSequence = Sequence([nested(depth - 1, undefined=undefined), Dataset()])
        item["ConceptNameCodeSequence"].is_undefined_length = undefined
        item.is_undefined_length_sequence_item = undefined
    return item


def image(depth: int = 2, *, undefined: bool = True) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.3", "1.2.3.4"
    dataset.TimezoneOffsetFromUTC = "+0530"
    dataset.StudyDate = "20260102"
    dataset.Modality = "CT"
    dataset.ReferringPhysicianName = "Müller^A"
    dataset.ReferencedImageSequence = Sequence([nested(depth, undefined=undefined)])
    dataset["ReferencedImageSequence"].is_undefined_length = undefined
    dataset.PatientName = "Jürgen^B"
    dataset.PatientID = "77"
    dataset.add_new(0x00091001, "OB", b"\xfe\xff\x00\xe0" * 5)
    dataset.KVP = "120"
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3.5", "1.2.3.6"
    dataset.ImagePositionPatient = [1, 2, 3.5]
    dataset.Rows = 4
    dataset.Columns = 4
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.add_new(0x7FE00010, "OW", bytes(32))
    return dataset


def quick_texts(found: head.Head) -> dict[str, str]:
    values = found.values
    character_set = values.get(head.CHARACTER_SET, b"")
    return {
        name: decode_text(values[item.tag], item.vr, character_set) if item.tag in values else ""
        for name, item in INDEXED.items()
    }


def texts(dataset: Dataset) -> dict[str, str]:
    return {name: read_text(dataset, item.tag, item.vr) for name, item in INDEXED.items()}


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_the_same_texts_as_pydicom(implicit, undefined, depth):
    data = encoded(image(depth, undefined=undefined), implicit=implicit)
    quick = head.read(data, implicit=implicit)
    slow = dcmread(BytesIO(data), force=True) if implicit else None
    expected = texts(slow) if slow is not None else texts(image(depth, undefined=undefined))
    assert quick_texts(quick) == expected
    assert quick_texts(quick)["PatientName"] == "Jürgen^B"
    assert 0x00180060 not in quick.values


@pytest.mark.parametrize("implicit", [True, False])
def test_every_cut_is_told_as_truncated_or_ends_beyond_what_is_wanted(implicit):
    data = encoded(image(), implicit=implicit)
    full = quick_texts(head.read(data, implicit=implicit))
    for length in range(len(data)):
        try:
            found = head.read(data[:length], implicit=implicit)
        except head.NotPlain as error:
            assert error.truncated  # noqa: PT017
        else:
            assert quick_texts(found) == full


def test_a_whole_data_set_may_end_early():
    dataset = Dataset()
    dataset.Modality = "CT"
    data = encoded(dataset, implicit=False)
    assert quick_texts(head.read(data, implicit=False, whole=True))["Modality"] == "CT"
    with pytest.raises(head.NotPlain):
        head.read(data, implicit=False)


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_noise_is_refused_or_read(data, implicit, whole):
    try:
        head.read(data, implicit=implicit, whole=whole)
    except head.NotPlain:
        return


@given(st.data(), st.booleans())
def test_damaged_heads_are_refused_or_read(data, implicit):
    whole = bytearray(encoded(image(), implicit=implicit))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        quick_texts(head.read(bytes(whole), implicit=implicit))
    except head.NotPlain:
        return


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [("PixelSpacing", "FD", [0.5, 0.25]), ("Rows", "DS", "4"), ("Columns", "UL", 4), ("SliceThickness", "SS", 3)],
)
def test_numbers_in_another_representation_are_left_to_pydicom(keyword, vr, value):
    dataset = image()
    dataset.add_new(keyword, vr, value)
    with pytest.raises(head.NotPlain) as raised:
        head.read(encoded(dataset, implicit=False), implicit=False)
    assert not raised.value.truncated


@pytest.mark.parametrize(("vr", "value"), [("UT", "0.5\\0.25"), ("LO", ["0.5", "0.25"]), ("UN", b"0.5\\0.25")])
def test_text_in_another_representation_is_text(vr, value):
    dataset = image()
    dataset.add_new("PixelSpacing", vr, value)
    assert head.read(encoded(dataset, implicit=False), implicit=False).values[0x00280030].strip() == b"0.5\\0.25"
