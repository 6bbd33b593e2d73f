"""What a sender claims costs the node no memory: the header of an object is read, and nothing else of it."""

from __future__ import annotations

import struct
import tracemalloc
from datetime import UTC, datetime

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.errors import Rejected
from dicom import status
from scp.reception.incoming import IncomingObject, StoreRequest
from storage.objects.files import Files

MIB = 1 << 20


class Kept:
    """Takes what arrives, in place of the database."""

    def enter(self, arrival):
        return arrival


@pytest.fixture
def arrive(tmp_path):
    def send(*parts: bytes):
        request = StoreRequest(CTImageStorage, "1.2.3.4", ExplicitVRLittleEndian, "CT")
        incoming = IncomingObject(
            request, Files(tmp_path / "objects", durable=False), Kept(), clock=lambda: datetime(2026, 3, 2, tzinfo=UTC)
        )
        for part in parts:
            incoming.write(part)
        return incoming.finish()

    return send


def encode(**attributes: object) -> bytes:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return buffer.getvalue()


IDENTITY = encode(SOPClassUID=CTImageStorage, SOPInstanceUID="1.2.3.4", Modality="CT")
UIDS = encode(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1")
SIZE = encode(Rows=1, Columns=1)
PIXELS = struct.pack("<HH2sxxLH", 0x7FE0, 0x0010, b"OW", 2, 0)


def test_a_huge_element_is_skipped(arrive):
    mebibyte = bytes(MIB)
    size = 200
    private = struct.pack("<HH2sxxL", 0x0009, 0x1001, b"OB", size * MIB)
    spacing = struct.pack("<HH2sH2d", 0x0028, 0x0030, b"FD", 16, 0.5, 0.25)
    tracemalloc.start()
    try:
        stored = arrive(IDENTITY, private, *[mebibyte] * size, UIDS, SIZE, spacing, PIXELS)
        assert tracemalloc.get_traced_memory()[1] < 20 * MIB
    finally:
        tracemalloc.stop()
    assert stored.header.image["pixel_spacing"] == "0.5\\0.25"


def test_missing_uids_are_derived_from_what_was_read(arrive):
    first, second = (arrive(IDENTITY, encode(PatientID=name, StudyID="7"), SIZE, PIXELS).header for name in ("A", "B"))
    assert first.study["patient_id"] == "A"
    assert first.study_instance_uid != second.study_instance_uid


def test_sequences_without_end_are_refused(arrive):
    nested = (
        struct.pack("<HH2sxxL", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ) * 10_000
    with pytest.raises(Rejected) as raised:
        arrive(IDENTITY, nested, UIDS)
    assert raised.value.status == status.UNABLE_TO_PROCESS
