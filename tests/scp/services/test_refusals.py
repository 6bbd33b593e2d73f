"""Which series misses an image that was refused: as far as its bytes, or the request, tell."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)
from structlog.testing import capture_logs

from config.errors import Transient
from dicom import status
from scp.reception.incoming import StoreRequest
from scp.services.storage import StorageScp
from scp.services.storage_rules import StorageRules
from storage.database.engine import Database
from storage.objects.files import Files
from storage.series import refusals

SERIES, ASKED = "1.2.3.1", "1.2.3.1.4"


@pytest.fixture
def site(tmp_path):
    """Storage without a network."""
    database = Database.open(f"sqlite:///{tmp_path / 'index.sqlite'}", durable=False)
    database.migrate()
    heard: list[str] = []
    storage = StorageScp(
        database,
        Files(tmp_path / "objects", durable=False),
        clock=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        received=lambda uid, _: heard.append(uid),
    )
    yield SimpleNamespace(database=database, storage=storage, heard=heard)
    database.close()


def encode(*, implicit: bool = False, **changes: object) -> bytes:
    """A CT image of 2 x 2 pixels; a keyword given as None is left out."""
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": ASKED,
        "Modality": "CT",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": SERIES,
        "Rows": 2,
        "Columns": 2,
        "BitsAllocated": 16,
        "PixelData": bytes(8),
    }
    dataset = Dataset()
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def send(site, content: bytes, syntax: str = ExplicitVRLittleEndian, sop_class: str = CTImageStorage, uid: str = ASKED):
    reception = site.storage.begin(StoreRequest(sop_class, uid, syntax, "CT1", "association"))
    for start in range(0, len(content), 64):
        reception.write(content[start : start + 64])
    return site.storage.finish(reception, "CT1").status


SHORT = encode(PixelData=bytes(6))
CASES = {
    "short pixels": (SHORT, ExplicitVRLittleEndian, ASKED),
    "no pixels": (encode(PixelData=None), ExplicitVRLittleEndian, ASKED),
    "no size": (encode(Rows=None), ExplicitVRLittleEndian, ASKED),
    "cut off behind the UIDs": (encode()[:-24], ExplicitVRLittleEndian, ASKED),
    "an unknown value representation": (
        encode(Rows=None, Columns=None, BitsAllocated=None, PixelData=None) + struct.pack("<HH2sH", 0x28, 2, b"??", 9),
        ExplicitVRLittleEndian,
        ASKED,
    ),
    "implicit": (encode(implicit=True, PixelData=bytes(6)), ImplicitVRLittleEndian, ASKED),
    "not as negotiated, and under no UID": (
        encode(implicit=True, SOPInstanceUID=None),
        ExplicitVRLittleEndian,
        ASKED,
    ),
    "the data set's UID counts": (
        encode(SOPInstanceUID="1.2.3.1.5", PixelData=None),
        ExplicitVRLittleEndian,
        "1.2.3.1.5",
    ),
    "no UID but the request's": (encode(SOPInstanceUID=None), ExplicitVRLittleEndian, ASKED),
    "an unusable UID": (encode(SOPInstanceUID="1.2.3/../4"), ExplicitVRLittleEndian, "1.2.3/../4"),
    "control characters": (
        encode(SOPInstanceUID="1.2.3.9.4").replace(b"1.2.3.9.4", b"1.2\x1b.9.\x004"),
        ExplicitVRLittleEndian,
        "1.2\\x1b.9.\ufffd4",
    ),
    "another class than asked": (encode(SOPClassUID=MRImageStorage), ExplicitVRLittleEndian, ASKED),
}


@pytest.mark.parametrize(("content", "syntax", "uid"), CASES.values(), ids=CASES)
def test_a_refused_image_is_missing_from_its_series(site, content, syntax, uid):
    assert send(site, content, syntax) in {status.DOES_NOT_MATCH, status.UNABLE_TO_PROCESS}
    assert refusals.list_missing(site.database, SERIES) == [uid]
    assert site.heard == [SERIES]


def test_a_deflated_one(site):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    whole = packer.compress(encode(SOPInstanceUID=None, PixelData=bytes(6))) + packer.flush()
    assert send(site, whole, DeflatedExplicitVRLittleEndian) == status.DOES_NOT_MATCH
    assert refusals.list_missing(site.database, SERIES) == [ASKED]


@pytest.mark.parametrize("failing", ["begin", "settle"])
def test_one_for_which_there_was_no_room_until_it_is_sent_again(site, failing, monkeypatch):
    if failing == "begin":
        site.storage.adopt(StorageRules(reserve_bytes=2**62))
    else:
        monkeypatch.setattr("storage.objects.files.Incoming.settle", fail)
    assert send(site, encode()) == status.OUT_OF_RESOURCES
    monkeypatch.undo()
    site.storage.adopt(StorageRules())
    assert refusals.list_missing(site.database, SERIES) == [ASKED]
    assert send(site, encode()) == status.SUCCESS
    assert refusals.list_missing(site.database, SERIES) == []
    assert site.heard == [SERIES, SERIES]


def fail(*_):
    raise OSError(5, "Input/output error")


def test_who_sends_it_again_and_again_is_heard_once(site):
    assert [send(site, SHORT) for _ in range(3)] == [status.UNABLE_TO_PROCESS] * 3
    assert site.heard == [SERIES]


@pytest.mark.parametrize(
    ("content", "sop_class"),
    [
        (encode(SOPClassUID=ComprehensiveSRStorage, SOPInstanceUID="*", PixelData=None), ComprehensiveSRStorage),
        (encode(Modality="PT", PixelData=bytes(6)), CTImageStorage),
        (encode(SeriesInstanceUID="../1", PixelData=bytes(6)), CTImageStorage),
        (b"\xff" * 300, CTImageStorage),
        (b"", CTImageStorage),
    ],
    ids=["a report", "another modality", "an unusable series", "rubbish", "nothing"],
)
def test_what_belongs_to_no_scan_is_not_noted(site, content, sop_class):
    assert send(site, content, sop_class=sop_class) != status.SUCCESS
    assert site.heard == []


def test_rubbish_under_the_deflated_syntax_is_not_noted(site):
    assert send(site, b"\xff" * 300, DeflatedExplicitVRLittleEndian) == status.UNABLE_TO_PROCESS
    assert site.heard == []


def test_a_database_that_is_away_changes_no_answer(site, monkeypatch):
    def away(*_):
        raise Transient("the database is busy")

    with capture_logs() as lines:
        with monkeypatch.context() as patch:
            patch.setattr(refusals, "note", away)
            assert [send(site, SHORT) for _ in range(3)] == [status.UNABLE_TO_PROCESS] * 3
            assert site.heard == []
        send(site, SHORT)
        assert len(site.heard) == 1
    told = [(line["event"], line.get("failures")) for line in lines if line["event"].startswith("refusal")]
    assert told == [("refusal not noted", None), ("refusals are noted again", 3)]
