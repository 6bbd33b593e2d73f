"""The mass without a threshold, on calcifications whose mass is known from their volume and density."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage as ndi

from scoring.candidates import agatston, conventions
from scoring.images import geometry, slices
from scoring.images.volume import Volume
from scoring.judgement import integrated

SPACING = (3.0, 0.4, 0.4)
SHAPE = (9, 64, 64)
FINE = 4
THRESHOLD = 130.0


def rod(diameter_mm: float, low_mm: float, high_mm: float, hu: float, x_mm: float = 0.0) -> NDArray[np.float64]:
    """What a rod along z adds: its share of each slice, blurred in plane as by a kernel of 1 mm."""
    step = SPACING[1] / FINE
    line = (np.arange(SHAPE[1] * FINE) + 0.5) * step - SHAPE[1] * SPACING[1] / 2
    disc = (np.hypot(line[:, None], line[None, :] - x_mm) <= diameter_mm / 2).astype(float)
    blurred = ndi.gaussian_filter(disc, 1.0 / 2.3548 / step)
    pixels = blurred.reshape(SHAPE[1], FINE, SHAPE[2], FINE).mean(axis=(1, 3))
    edges = (np.arange(SHAPE[0] + 1) - SHAPE[0] / 2) * SPACING[0]
    held = np.clip(np.minimum(edges[1:], high_mm) - np.maximum(edges[:-1], low_mm), 0, None) / SPACING[0]
    return held[:, None, None] * pixels * hu


def rod_mass(diameter_mm: float, length_mm: float, hu: float) -> float:
    return np.pi / 4 * diameter_mm**2 * length_mm * hu


def scan(image: NDArray[np.float64], noise_hu: float = 0.0) -> Volume:
    noise = ndi.gaussian_filter(np.random.default_rng(1).standard_normal(SHAPE), (0, 1, 1))
    hu = np.rint(image + noise * (noise_hu / noise.std())).astype(np.int16)
    return Volume(hu, SPACING, (0.0, 0.0, 0.0), np.eye(3), ())


def largest(volume: Volume) -> agatston.Candidate:
    return max(agatston.candidates(volume, conventions.named("standard")), key=lambda item: item.volume_mm3)


@pytest.mark.parametrize("tissue", [40.0, 60.0, 75.0])
@pytest.mark.parametrize(("diameter", "hu"), [(2.0, 700.0), (3.0, 400.0), (5.0, 277.0), (5.0, 1108.0)])
def test_the_mass_in_even_tissue_is_that_of_the_solid(diameter: float, hu: float, tissue: float) -> None:
    length = 8.0
    volume = scan(rod(diameter, -3.1, 4.9, hu) + tissue)
    candidate = largest(volume)
    expected = rod_mass(diameter, length, hu)
    found = integrated.integrate(volume, candidate.voxels, THRESHOLD)
    assert found == pytest.approx(expected, rel=0.04)
    assert abs(candidate.mean_hu * candidate.volume_mm3 / expected - 1) > abs(found / expected - 1)


def test_noise_moves_the_mass_by_less_than_a_tenth() -> None:
    volume = scan(rod(3.0, -4.0, 4.0, 500.0) + 45.0, noise_hu=20.0)
    found = integrated.integrate(volume, largest(volume).voxels, THRESHOLD)
    assert found == pytest.approx(rod_mass(3.0, 8.0, 500.0), rel=0.1)


@pytest.mark.parametrize(("left", "right"), [(-90.0, -90.0), (-100.0, 50.0), (50.0, -100.0)])
def test_in_an_artery_in_fat_or_at_its_border_the_wall_is_no_calcium(left: float, right: float) -> None:
    """The artery is half a millimetre wider than the calcium: fat as the background all over would count it."""
    side = np.where(np.arange(SHAPE[2]) < SHAPE[2] / 2, left, right)
    border = ndi.gaussian_filter1d(side, 1.06)[None, None, :] * np.ones(SHAPE)
    artery = rod(3.0, -14.0, 14.0, 1.0)
    volume = scan(rod(2.5, -5.0, 5.0, 600.0) + border * (1 - artery) + 40.0 * artery)
    found = integrated.integrate(volume, largest(volume).voxels, THRESHOLD)
    assert found == pytest.approx(rod_mass(2.5, 10.0, 600.0), rel=0.25)


def test_a_neighbour_is_not_counted_and_two_share_what_lies_between() -> None:
    one, other = rod(2.5, -4.5, 4.5, 500.0, x_mm=-2.3), rod(2.5, -4.5, 4.5, 900.0, x_mm=2.3)
    volume = scan(one + other + 40.0)
    parts = agatston.candidates(volume, conventions.named("standard"))
    found = sorted(integrated.integrate(volume, part.voxels, THRESHOLD) for part in parts)
    expected = [rod_mass(2.5, 9.0, hu) for hu in (500.0, 900.0)]
    assert found == pytest.approx(expected, rel=0.08)


def test_lung_beside_it_is_no_background() -> None:
    image = rod(3.0, -4.0, 4.0, 500.0) + 40.0
    image[:, :, 42:] = -850.0
    volume = scan(image)
    found = integrated.integrate(volume, largest(volume).voxels, THRESHOLD)
    assert found == pytest.approx(rod_mass(3.0, 8.0, 500.0), rel=0.05)


def test_it_is_never_negative_and_needs_no_surroundings() -> None:
    image = np.full(SHAPE, 120.0)
    image[:, 29:36, 29:36] = 90.0
    image[4, 32, 32] = 135.0
    assert integrated.integrate(scan(image), np.asarray([[4, 32, 32]], dtype=np.int32), THRESHOLD) == 0.0
    alone = Volume(np.full((1, 2, 2), 140, dtype=np.int16), SPACING, (0.0, 0.0, 0.0), np.eye(3), ())
    whole = np.argwhere(alone.hu > 0).astype(np.int32)
    excess = (140.0 - integrated.WALL_HU) * 4 * np.prod(SPACING)
    assert integrated.integrate(alone, whole, THRESHOLD) == pytest.approx(excess)


@pytest.mark.realdata
def test_qrm_inserts_over_ten_milligrams_are_within_five_per_cent(ct) -> None:
    folder = ct.reference / "qrm"
    if not folder.is_dir():
        pytest.skip(f"the QRM scan is not at {folder}")
    reference = json.loads((folder / "reference.json").read_text())
    images = [item for path in sorted((folder / "dicom").iterdir()) for item in slices.read(path)]
    volume = geometry.decode(geometry.stack_slices(images))
    parts = agatston.candidates(volume, conventions.named("standard"))
    seen = 0
    for insert in reference["inserts"].values():
        if "center_mm" not in insert or insert["physical_mass_mg"] <= 10:
            continue
        near = [part for part in parts if np.linalg.norm(np.subtract(part.centroid_mm, insert["center_mm"])) < 5]
        intensity = sum(integrated.integrate(volume, part.voxels, THRESHOLD) for part in near)
        mass_mg = intensity * reference["mass_calibration_factor"] / 1000
        assert mass_mg == pytest.approx(insert["physical_mass_mg"], rel=0.05)
        seen += 1
    assert seen == 4
