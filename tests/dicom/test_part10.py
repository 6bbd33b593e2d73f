"""Preamble and File Meta Information as pydicom reads them, and by the octets of PS3.10."""

import struct
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.filereader import read_file_meta_info

from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom.part10 import encode_preface

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def read(tmp_path, *args):
    path = tmp_path / "object.dcm"
    path.write_bytes(encode_preface(*args))
    return read_file_meta_info(path)


def elements(data: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Explicit VR Little Endian elements of group 0002, read by hand: element number to VR and value."""
    found, at = {}, 132
    while at < len(data):
        group, element, vr = struct.unpack_from("<HH2s", data, at)
        assert group == 2
        if vr == b"OB":
            (length,) = struct.unpack_from("<I", data, at + 8)
            start = at + 12
        else:
            (length,) = struct.unpack_from("<H", data, at + 6)
            start = at + 8
        found[element] = vr, data[start : start + length]
        at = start + length
    return found


def test_pydicom_reads_what_was_given(tmp_path):
    meta = read(tmp_path, CT, "1.2.3.4", EXPLICIT, "SCANNER")
    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (CT, "1.2.3.4")
    assert meta.TransferSyntaxUID == EXPLICIT
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert meta.SourceApplicationEntityTitle == "SCANNER"


def test_every_type_1_element_of_the_file_meta_information_is_there():
    """PS3.10 table 7.1-1; the version is 00H 01H, and without it a strict reader refuses the file."""
    data = encode_preface(CT, "1.2.3.4", EXPLICIT)
    assert data[:132] == bytes(128) + b"DICM"
    assert elements(data)[0x0001] == (b"OB", b"\x00\x01")
    assert {0x0000, 0x0001, 0x0002, 0x0003, 0x0010, 0x0012} <= elements(data).keys()


@pytest.mark.parametrize("calling", ["", "A", "SCANNER"])
@pytest.mark.parametrize("uid", ["1.2.3", "1.2.3.4", "1." + "2" * 62])
def test_the_group_length_counts_what_follows_it(uid, calling):
    data = encode_preface(CT, uid, EXPLICIT, calling)
    (length,) = struct.unpack("<I", elements(data)[0x0000][1])
    assert length == len(data) - 132 - 12


def test_elements_stand_in_ascending_order():
    numbers = list(elements(encode_preface(CT, "1.2.3.4", EXPLICIT, "SCANNER")))
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("element", "value"),
    [(0x0003, b"1.2.3\0"), (0x0016, b"ODD ")],
)
def test_odd_lengths_are_padded_by_their_representation(element, value):
    """A UI with NUL, an AE with a space (PS3.5 6.2)."""
    assert elements(encode_preface(CT, "1.2.3", EXPLICIT, "ODD"))[element][1] == value


def test_even_lengths_are_left_alone():
    assert elements(encode_preface(CT, "1.23", EXPLICIT, "EVEN"))[0x0016][1] == b"EVEN"


def test_a_sender_without_a_title_is_not_named():
    assert 0x0016 not in elements(encode_preface(CT, "1.2.3", EXPLICIT))


def test_values_that_are_too_long_are_cut():
    assert elements(encode_preface(CT, "1." + "2" * 80, EXPLICIT))[0x0003][1] == b"1." + b"2" * 62


def test_a_data_set_follows_at_once():
    data_set = struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 4) + b"4711"
    dataset = dcmread(BytesIO(encode_preface(CT, "1.2.3", EXPLICIT, "SCANNER") + data_set))
    assert (dataset.PatientID, len(dataset)) == ("4711", 1)
