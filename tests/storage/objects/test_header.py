"""The identifiers of an object: kept as they are where they can identify it, else refused by name."""

from __future__ import annotations

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.errors import Rejected
from storage.objects.header import InstanceHeader

SYNTAX = "1.2.840.10008.1.2.1"
STUDY, SERIES, INSTANCE, FRAME = 0x0020000D, 0x0020000E, 0x00080018, 0x00200052
IDENTITY = {
    STUDY: b"1.2.1\0",
    SERIES: b"1.2.1.1\0",
    INSTANCE: b"1.2.1.1.1\0",
    0x00080016: b"1.2.840.10008.5.1.4.1.1.2\0",
}
NAMES = {STUDY: "StudyInstanceUID", SERIES: "SeriesInstanceUID", INSTANCE: "SOPInstanceUID"}


def quick(values):
    return InstanceHeader.from_values(values, SYNTAX)


def slow(values):
    dataset = Dataset()
    for tag, value in values.items():
        dataset[tag] = RawDataElement(Tag(tag), "UI", len(value), value, 0, is_implicit_VR=False, is_little_endian=True)
    return InstanceHeader.from_dataset(dataset, SYNTAX)


both = pytest.mark.parametrize("read", [quick, slow])


@both
@pytest.mark.parametrize("value", [b"1.2.003.0004.5 ", b"STUDY-ABC", b"IMG_001", b"1.2..3", b"9" * 64, b"FOR X"])
def test_an_identifier_of_printable_characters_is_kept(read, value):
    for tag in NAMES:
        header = read(IDENTITY | {tag: value})
        kept = (header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid)
        assert value.decode().strip() in kept


@both
@pytest.mark.parametrize("tag", NAMES)
@pytest.mark.parametrize(
    "value",
    [
        b"1.2\n3",
        b"1.2.3\r\n",
        b"1.2\x003",
        b"1.2\x1b[2J3",
        b"1.2.3\x7f",
        b"1.2.\xe4",
        "1.2.\N{RIGHT-TO-LEFT OVERRIDE}".encode(),
        b"../../x",
        b"/etc/passwd",
        b"..",
        b"1.2.*",
        b"1.2.?",
        b"1.2\\1.3",
        b"9" * 65,
    ],
)
def test_what_cannot_identify_an_object_is_refused_by_name(read, tag, value):
    with pytest.raises(Rejected, match=NAMES[tag]) as caught:
        read(IDENTITY | {tag: value})
    assert caught.value.status == 0xC000
    assert len(caught.value.reason) <= 64  # Error Comment (0000,0902) is an LO
    assert caught.value.reason.isprintable()


@both
@pytest.mark.parametrize("tag", NAMES)
@pytest.mark.parametrize("value", [b"", b"\0\0", b"  "])
def test_a_blank_identifier_is_missing(read, tag, value):
    with pytest.raises(Rejected, match=f"{NAMES[tag]} is missing") as caught:
        read(IDENTITY | {tag: value})
    assert caught.value.status == 0xA900


@both
def test_a_broken_frame_of_reference_costs_the_frame_of_reference_alone(read):
    assert read(IDENTITY | {FRAME: b"1.2.9\0"}).image["frame_of_reference_uid"] == "1.2.9"
    assert read(IDENTITY | {FRAME: b"1.2\x1b[2J"}).image["frame_of_reference_uid"] == ""
