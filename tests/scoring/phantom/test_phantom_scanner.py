"""Tilted gantries, reversed rows and columns, kernels, noise and motion."""

from __future__ import annotations

import dataclasses
import itertools
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from scoring.images import geometry
from scoring.images.slices import read
from scoring.images.volume import Volume
from scoring.phantom import Calcification, Phantom, PhantomSpec, make_phantom, write_series
from scoring.phantom.calcium import Deposit, render_deposit
from scoring.phantom.motion import Motion
from scoring.phantom.noise import add_noise, add_streaks
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import stream
from scoring.phantom.spec import NoiseTexture
from scoring.phantom.tissue import Tissue

SMALL: dict[str, Any] = {
    "seed": 12,
    "matrix": 128,
    "above_left_main_mm": 9,
    "below_left_main_mm": 36,
    "noise_sd_hu": 0.0,
    "distractors": False,
}
DENSE = (Calcification("LM", 0.5, 3.5, 1200.0, 6.0), Calcification("RCA", 0.1, 4.0, 1200.0, 7.0))


@cache
def make_small(**changes: Any) -> Phantom:
    """Make a phantom of a few slices; each one is made only once."""
    return make_phantom(PhantomSpec(**SMALL | changes))


def read_back(phantom: Phantom, folder: Path) -> Volume:
    return geometry.decode(
        geometry.stack_slices([item for path in write_series(phantom, folder) for item in read(path)])
    )


def brightest(volume: Volume, centre: tuple[float, float, float]) -> np.ndarray:
    """Return the patient coordinates of the centre of the bright voxels within 8 mm of a place."""
    index = np.argwhere(volume.hu > 250).astype(float)
    places = volume.to_patient(index)
    close = np.linalg.norm(places - centre, axis=1) < 8
    assert close.any()
    weight = volume.hu[tuple(index[close].astype(int).T)].astype(float)
    return np.asarray((places[close] * weight[:, None]).sum(0) / weight.sum())


@pytest.mark.parametrize(("tilt", "position"), [(-12.0, "HFS"), (15.0, "FFP")])
def test_a_tilted_series_has_its_calcium_in_the_right_place(tilt: float, position: Any, tmp_path: Path) -> None:
    phantom = make_small(calcifications=DENSE, gantry_tilt_deg=tilt, patient_position=position, variation=0.8)
    volume = read_back(phantom, tmp_path)
    assert np.array_equal(volume.hu, phantom.hu)
    assert volume.spacing_mm == pytest.approx(phantom.spacing_mm)
    assert volume.spacing_mm[0] == pytest.approx(3 * np.cos(np.deg2rad(tilt)))
    assert volume.axes == pytest.approx(phantom.axes, abs=1e-6)
    for lesion in phantom.truth.lesions:
        assert lesion.agatston > 0
        assert np.linalg.norm(brightest(volume, lesion.centre_mm) - lesion.centre_mm) < 1.5


def test_a_tilted_slice_says_so(tmp_path: Path) -> None:
    slices = [
        pydicom.dcmread(path) for path in write_series(make_small(calcifications=(), gantry_tilt_deg=12.0), tmp_path)
    ]
    c, s = np.cos(np.deg2rad(12)), np.sin(np.deg2rad(12))
    for first, second in itertools.pairwise(slices):
        assert float(first.GantryDetectorTilt) == 12
        assert [float(v) for v in first.ImageOrientationPatient] == pytest.approx([1, 0, 0, 0, c, s], abs=1e-6)
        # The table moves, the gantry does not.
        step = np.subtract(second.ImagePositionPatient, first.ImagePositionPatient).astype(float)
        assert step == pytest.approx([0, 0, -3], abs=1e-6)


def test_tissues_of_a_tilted_scan_are_those_of_a_straight_one() -> None:
    straight, tilted = make_small(), make_small(calcifications=(), gantry_tilt_deg=12.0)
    assert straight.labels is not None
    assert tilted.labels is not None
    index = np.argwhere(np.ones(tilted.hu.shape, bool))[::97]
    places = tilted.origin_mm + (index * tilted.spacing_mm) @ tilted.axes.T
    at = np.rint((places - straight.origin_mm)[:, ::-1] / straight.spacing_mm).astype(int)
    inside = ((at >= 1) & (at < np.array(straight.hu.shape) - 1)).all(1)
    ours, theirs = tilted.labels[tuple(index[inside].T)], straight.labels[tuple(at[inside].T)]
    assert (ours == theirs).mean() > 0.85
    for name in ("ascending_centres", "descending_centres"):
        for k, place in enumerate(tilted.structures[name]):
            z, _, _ = np.linalg.solve(tilted.axes, np.subtract(place, tilted.origin_mm)) / tilted.spacing_mm
            assert z == pytest.approx(k, abs=0.01)


@pytest.mark.parametrize(("columns", "rows"), [(False, True), (True, False), (True, True)])
def test_other_orders_of_columns_and_rows(columns: bool, rows: bool, tmp_path: Path) -> None:
    phantom = dataclasses.replace(make_small(), spec=PhantomSpec(**SMALL, flip_columns=columns, flip_rows=rows))
    volume = read_back(phantom, tmp_path)
    assert np.array_equal(volume.hu, phantom.hu)
    assert volume.origin_mm == pytest.approx(phantom.origin_mm)
    ds = pydicom.dcmread(tmp_path / "dicom" / "0001.dcm")
    orientation = [-1 if columns else 1, 0, 0, 0, -1 if rows else 1, 0]
    assert [float(v) for v in ds.ImageOrientationPatient] == orientation


@pytest.mark.parametrize("motion", [3.0, 8.0])
@pytest.mark.parametrize("thickness", [1.5, 3.0])
def test_motion_displaces_calcium_and_creates_none(motion: float, thickness: float) -> None:
    scale = {"slice_thickness_mm": thickness, "slice_increment_mm": thickness}
    rod = Deposit(np.array([[28.0 + t, -8.0, -40.0 + t] for t in np.arange(0, 5, 0.2)]), 1.4, 900.0, 1.0)
    still, moved = (render_deposit(rod, Scan.of(PhantomSpec(**scale, motion_mm=m))) for m in (0.0, motion))
    assert still is not None
    assert moved is not None
    assert moved[1].sum(dtype=float) == pytest.approx(still[1].sum(dtype=float), rel=0.02)
    assert moved[1].max() < still[1].max()


def test_motion_stays_within_its_reach_and_differs_between_slices() -> None:
    shifts = Motion(6.0, 3).shifts(np.arange(-100.0, 50.0, 3.0))
    assert 2 <= shifts.shape[1] <= 4
    ends = shifts[:, -1] - shifts[:, 0]
    assert np.linalg.norm(ends, axis=1).max() <= 6.001
    assert np.linalg.norm(shifts, axis=2).max() < 6
    ways = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    assert np.abs((ways[2:] * ways[:-2]).sum(1)).min() < 0.5


def test_motion_leaves_the_heart_and_the_mass_as_they_are() -> None:
    still, moved = make_small(), make_small(motion_mm=6.0)
    assert moved.truth.mass_mg == still.truth.mass_mg
    assert moved.hu.astype(float).sum() == pytest.approx(still.hu.astype(float).sum(), rel=1e-4)
    assert not np.array_equal(moved.hu, still.hu)
    assert np.array_equal(moved.labels, still.labels)


def test_edges_overshoot_and_the_mean_stays() -> None:
    plain, sharp = make_small(), make_small(edge_enhancement=1.2)
    assert plain.labels is not None
    blood = np.isin(plain.labels, (Tissue.LEFT_VENTRICLE, Tissue.RIGHT_VENTRICLE, Tissue.ASCENDING_AORTA))
    assert np.median(sharp.hu[blood]) == pytest.approx(np.median(plain.hu[blood]), abs=1)
    assert sharp.hu.max() > plain.hu.max() + 50
    assert sharp.truth.agatston.total > plain.truth.agatston.total


def power(texture: NoiseTexture, **settings: float) -> tuple[float, float]:
    """Standard deviation of noise and the frequency (1/mm) at which half of its power lies."""
    scan = Scan.of(
        PhantomSpec(matrix=128, field_of_view_mm=100, above_left_main_mm=0, below_left_main_mm=30, **settings)
    )
    image = np.zeros(scan.shape, np.float32)
    add_noise(image, scan, 20.0, stream(1, "test"), texture)
    spectrum = (np.abs(np.fft.fft2(image)) ** 2).mean(0).ravel()
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(128, scan.spacing_mm[1]), np.fft.fftfreq(128, scan.spacing_mm[2])))
    order = np.argsort(f.ravel())
    total = np.cumsum(spectrum[order])
    return float(image.std()), float(f.ravel()[order][np.searchsorted(total, total[-1] / 2)])


@pytest.mark.parametrize("shared", [1.0, 3.0])
def test_noise_has_its_strength_and_its_grain(shared: float) -> None:
    step = {"slice_increment_mm": 3.0 / shared}
    measured = {texture: power(texture, **step) for texture in ("smooth", "standard", "sharp")}
    assert [sd for sd, _ in measured.values()] == pytest.approx([20.0] * 3, rel=0.03)
    assert measured["smooth"][1] < 0.6 * measured["standard"][1]
    assert measured["sharp"][1] > 1.3 * measured["standard"][1]
    assert power("standard", edge_enhancement=1.5, **step)[1] > 1.1 * measured["standard"][1]


def test_streaks_are_level_and_strongest_between_the_shoulders() -> None:
    spec = PhantomSpec(matrix=128, field_of_view_mm=400, above_left_main_mm=150, below_left_main_mm=60)
    scan = Scan.of(spec)
    image, wide = (np.zeros(scan.shape, np.float32) for _ in range(2))
    add_streaks(image, scan, 20.0, 134.0, stream(1, "test"))
    add_streaks(wide, scan, 20.0, 160.0, stream(1, "test"))
    assert image[scan.z > 120].std() > 2.5 * image[np.abs(scan.z) < 20].std()
    middle = image[:, 50:78]
    assert np.abs(np.diff(middle, axis=2)).mean() < 0.2 * np.abs(np.diff(middle, axis=1)).mean()
    assert wide.std() > 1.3 * image.std()


def test_the_header_tells_a_chest_from_a_gated_scan(tmp_path: Path) -> None:
    gated, free = (
        pydicom.dcmread(
            write_series(dataclasses.replace(make_small(), spec=PhantomSpec(**SMALL, gated=g)), tmp_path / str(g))[0]
        )
        for g in (True, False)
    )
    assert "ECG_GATED" in gated.ScanOptions
    assert "ECG" not in str(free.ScanOptions)
    assert gated.SeriesInstanceUID != free.SeriesInstanceUID


def test_missing_slices_are_not_written(tmp_path: Path) -> None:
    phantom = dataclasses.replace(make_small(), spec=PhantomSpec(**SMALL, missing_slices=(5, 6)))
    paths = write_series(phantom, tmp_path)
    assert len(paths) == len(phantom.hu) - 2
    volume = read_back(phantom, tmp_path / "again")
    assert [(gap.after, gap.missing) for gap in volume.gaps] == [(4, 2)]


def test_all_options_together_give_equal_files(tmp_path: Path) -> None:
    spec = PhantomSpec(
        **SMALL | {"noise_sd_hu": 12.0, "distractors": ("stent", "mechanical valve", "bypass graft", "sternal wires")},
        gantry_tilt_deg=7.0,
        flip_rows=True,
        edge_enhancement=0.5,
        noise_texture="sharp",
        streak_noise_hu=9.0,
        motion_mm=4.0,
        gated=False,
    )
    first, again = (write_series(make_phantom(spec), tmp_path / name) for name in ("first", "again"))
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, again, strict=True))
    assert (tmp_path / "first" / "truth.json").read_bytes() == (tmp_path / "again" / "truth.json").read_bytes()
