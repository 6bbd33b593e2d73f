from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from scoring.phantom import Phantom, PhantomSpec, Truth, make_phantom, write_series

SHORT = PhantomSpec(seed=5, matrix=128, above_left_main_mm=9, below_left_main_mm=21)


@pytest.fixture(scope="module")
def short() -> Phantom:
    return make_phantom(SHORT)


@pytest.fixture(scope="module")
def written(short: Phantom, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_series(short, tmp_path_factory.mktemp("series"))


def test_equal_specs_give_equal_bytes(written: list[Path], tmp_path: Path) -> None:
    again = write_series(make_phantom(SHORT), tmp_path / "again")
    assert [p.name for p in again] == [p.name for p in written]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(again, written, strict=True))
    assert (tmp_path / "again" / "truth.json").read_bytes() == (written[0].parents[1] / "truth.json").read_bytes()


def test_another_seed_is_another_patient(short: Phantom) -> None:
    other = make_phantom(PhantomSpec(seed=6, matrix=128, above_left_main_mm=9, below_left_main_mm=21))
    assert not np.array_equal(other.hu, short.hu)
    assert other.truth.lesions[0].centre_mm != short.truth.lesions[0].centre_mm


def test_files_carry_the_volume(short: Phantom, written: list[Path]) -> None:
    slices = [pydicom.dcmread(path) for path in written]
    assert [ds.InstanceNumber for ds in slices] == list(range(1, 12))
    heights = [float(ds.ImagePositionPatient[2]) for ds in slices]
    assert np.diff(heights) == pytest.approx(-3.0)
    for ds, index in zip(slices, reversed(range(11)), strict=True):
        hu = ds.pixel_array.astype(int) * int(ds.RescaleSlope) + int(ds.RescaleIntercept)
        assert np.array_equal(hu, short.hu[index])
        assert [float(v) for v in ds.ImageOrientationPatient] == [1, 0, 0, 0, 1, 0]
        assert [float(v) for v in ds.PixelSpacing] == pytest.approx(short.spacing_mm[1:])
    assert [float(v) for v in slices[-1].ImagePositionPatient] == pytest.approx(short.origin_mm)


def test_headers_say_what_it_is(written: list[Path]) -> None:
    slices = [pydicom.dcmread(path) for path in written]
    first = slices[0]
    assert first.PatientName == "PHANTOM^CORONODE"
    assert "SYNTHETIC" in first.ImageComments
    assert (first.KVP, first.SliceThickness, first.Modality) == (120, 3, "CT")
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({getattr(ds, keyword) for ds in slices}) == 1
    uids = {ds.SOPInstanceUID for ds in slices}
    assert len(uids) == len(slices)
    assert all(u.is_valid and u.startswith("2.25.") for u in uids)


def test_truth_lies_beside_the_slices(short: Phantom, written: list[Path]) -> None:
    assert Truth.from_json((written[0].parents[1] / "truth.json").read_bytes()) == short.truth


def test_identifiers_can_be_chosen(tmp_path: Path) -> None:
    spec = PhantomSpec(
        matrix=64,
        above_left_main_mm=0,
        below_left_main_mm=6,
        patient_id="P1",
        patient_name="Müller^Jörg",
        study_date="20230405",
        study_instance_uid="1.2.3.4",
        kvp=100,
    )
    ds = pydicom.dcmread(write_series(make_phantom(spec), tmp_path)[0])
    assert (ds.PatientID, str(ds.PatientName), ds.StudyDate) == ("P1", "Müller^Jörg", "20230405")
    assert (ds.StudyInstanceUID, ds.KVP) == ("1.2.3.4", 100)


def test_scans_of_one_patient_share_the_study(tmp_path: Path) -> None:
    thick, thin = (
        pydicom.dcmread(
            write_series(
                make_phantom(
                    PhantomSpec(matrix=64, above_left_main_mm=0, below_left_main_mm=6, slice_thickness_mm=thickness)
                ),
                tmp_path / str(thickness),
            )[0]
        )
        for thickness in (3.0, 1.5)
    )
    assert thick.StudyInstanceUID == thin.StudyInstanceUID
    assert thick.FrameOfReferenceUID == thin.FrameOfReferenceUID
    assert thick.SeriesInstanceUID != thin.SeriesInstanceUID
    assert thick.SOPInstanceUID != thin.SOPInstanceUID


def test_slice_spacing_follows_the_increment() -> None:
    spec = PhantomSpec(matrix=64, slice_increment_mm=1.5, z_offset_mm=0.7, above_left_main_mm=3, below_left_main_mm=6)
    phantom = make_phantom(spec)
    plain = make_phantom(PhantomSpec(matrix=64, above_left_main_mm=3, below_left_main_mm=6))
    assert phantom.hu.shape == (7, 64, 64)
    assert phantom.spacing_mm[0] == pytest.approx(1.5)
    assert phantom.origin_mm[2] - plain.origin_mm[2] == pytest.approx(0.7)


@pytest.mark.peer
def test_dciodvfy_finds_no_error(written: list[Path], peer_program: Callable[[str], str]) -> None:
    result = subprocess.run([peer_program("dciodvfy"), str(written[3])], capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).splitlines()
    assert "CTImage" in lines
    assert [line for line in lines if line.startswith(("Error", "Warning"))] == []
