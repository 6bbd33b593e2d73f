"""Deflated files are read as others are, and inflated no further than their header promises."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom import elements
from dicom.deflated import HEADER_BYTES, InflatesTooFarError

MIB = 1 << 20


def image(rows: int, columns: int, pixel_bytes: int, **attributes: object) -> Dataset:
    made = Dataset()
    made.PatientID = "P1"
    made.SamplesPerPixel, made.Rows, made.Columns, made.BitsAllocated = 1, rows, columns, 16
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    made.add_new("PixelData", "OW", bytes(pixel_bytes))
    return made


def write(dataset: Dataset, path: Path, *, preamble: bool = True) -> Path:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2"
    dataset.save_as(path, enforce_file_format=True)
    if not preamble:
        path.write_bytes(path.read_bytes()[132:])
    return path


def peak_of(call) -> float:
    """MiB that Python allocated at most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (4096, 4096)])
def test_what_the_header_promises_is_read(tmp_path, rows, columns, preamble):
    path = write(image(rows, columns, rows * columns * 2), tmp_path / "a.dcm", preamble=preamble)
    whole = elements.opened(path, pixels=True)
    assert len(whole.PixelData) == rows * columns * 2
    header = elements.opened(path)
    assert (header.PatientID, "PixelData" in header) == ("P1", False)
    assert header.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    some = elements.opened(path, tags=["Rows"])
    assert (some.Rows, "PatientID" in some) == (rows, False)


@pytest.mark.parametrize(
    "attributes",
    [{}, {"NumberOfFrames": 2}, {"Rows": None}, {"BitsAllocated": None}, {"Rows": 0}],
)
def test_what_inflates_further_is_refused_before_it_has(tmp_path, attributes):
    path = write(image(64, 64, 100 * MIB, **attributes), tmp_path / "bomb.dcm")
    assert path.stat().st_size < MIB

    def read() -> None:
        with pytest.raises(InflatesTooFarError):
            elements.opened(path, pixels=True)

    assert peak_of(read) < 5 * HEADER_BYTES / MIB
    assert peak_of(lambda: elements.opened(path)) < 5 * HEADER_BYTES / MIB
    assert elements.opened(path).PatientID == "P1"


def test_a_header_without_end_is_not_read_to_the_end(tmp_path):
    dataset = image(64, 64, 64 * 64 * 2)
    dataset.add_new(0x00091001, "OB", bytes(90 * MIB))
    path = write(dataset, tmp_path / "bomb.dcm")
    found = []
    assert peak_of(lambda: found.append(elements.opened(path))) < 5 * HEADER_BYTES / MIB


def test_frames_may_take_what_they_promise(tmp_path):
    path = write(image(1024, 1024, 12 * 2 * MIB, NumberOfFrames=12), tmp_path / "a.dcm")
    assert len(elements.opened(path, pixels=True).PixelData) == 24 * MIB


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_damage_is_no_exception(tmp_path, damage):
    path = write(image(64, 64, 64 * 64 * 2), tmp_path / "a.dcm")
    data = path.read_bytes()
    path.write_bytes(data[:-20] if damage == "cut" else data[:300] + bytes(range(256)))
    for pixels in (True, False):
        assert elements.opened(path, pixels=pixels) is None or damage == "cut"


def test_another_object_that_merely_names_the_syntax(tmp_path):
    dataset = image(2, 2, 8)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2"
    dataset.AvailableTransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert elements.opened(tmp_path / "a.dcm").PatientID == "P1"
