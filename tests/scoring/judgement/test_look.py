"""What surrounds a candidate and how thick it is, on bodies whose measures are known."""

import numpy as np
import pytest

from scoring.anatomy.blood import Blood
from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement.look import UNKNOWN_HU, look_at

STANDARD = conventions.named("standard")
SPACING = (3.0, 0.8, 0.8)
SHAPE = (30, 100, 100)
MIDDLE = (42.0, 40.0, 40.0)


def scene(*places, radius=4.0, peak=600, background=-100):
    """Balls of calcium in one tissue."""
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, SPACING, strict=True)), indexing="ij")
    hu = np.full(SHAPE, background, np.float64)
    for at in places or (MIDDLE,):
        hu[(z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 <= radius**2] = peak
    return Volume(hu.astype(np.int16), SPACING, (0.0, 0.0, 0.0), np.eye(3)[::-1], ())


def seen(volume, noise_per_fine=1.5):
    """The look of the only candidate of a volume."""
    (candidate,) = agatston.candidates(volume, STANDARD)
    return look_at(volume, Blood(40.0, 12.0, np.full(SHAPE[0], 12.0), 4.0, noise_per_fine), candidate)


def test_fat():
    found = seen(scene())
    assert found.darkest_hu == pytest.approx(-100, abs=1)
    assert found.median_hu == pytest.approx(-100, abs=1)
    assert (found.lung, found.touching_lung) == (0, 0)


def test_between_fat_and_lung():
    volume = scene()
    # Lung from 5.2 mm beside the ball's middle on, 1.2 mm beside its wall.
    volume.hu[:, :, 57:] = -850
    found = seen(volume)
    # The edge of the lung is dark, but no fat.
    assert -115 < found.darkest_hu < -80
    assert 0.1 < found.lung < 0.5
    assert 0 < found.touching_lung < found.lung + 0.2


def test_lung_that_touches():
    found = seen(scene(background=-850))
    assert found.lung == pytest.approx(1, abs=0.02)
    assert found.touching_lung == pytest.approx(1, abs=0.1)


def test_nothing_but_lung_is_unknown_tissue():
    assert seen(scene(radius=2.0, background=-900)).darkest_hu == UNKNOWN_HU


def test_fat_on_one_side_is_the_darkest():
    volume = scene(background=45)
    volume.hu[:, :, 56:] = np.where(volume.hu[:, :, 56:] == 45, -100, volume.hu[:, :, 56:])
    found = seen(volume)
    assert found.darkest_hu < -90
    assert found.median_hu == pytest.approx(45, abs=2)


def test_noise_from_the_fine_structure():
    """What smoothing takes from white noise, times the ratio that was measured in the blood."""
    volume = scene()
    noise = np.random.default_rng(3).normal(0, 20, SHAPE)
    volume.hu[:] = np.where(volume.hu == -100, volume.hu + noise, volume.hu)
    left, middle = 1 / (4 * np.pi), 1 / (2 * np.pi)  # a Gaussian of one voxel
    taken = np.sqrt(1 - 2 * middle + left)
    assert seen(volume, noise_per_fine=1 / taken).noise_hu == pytest.approx(20, rel=0.2)


def test_at_the_border_of_the_image():
    assert seen(scene((0.0, 0.0, 0.0))).darkest_hu == pytest.approx(-100, abs=1)


@pytest.mark.parametrize(("rows", "columns"), [(5, 40), (40, 5), (12, 12)])
def test_thickness_is_that_of_the_widest_circle(rows, columns):
    """Bars of 4 mm and a square of 9.6 mm, in one of three slices; the others hold a thinner part."""
    volume = scene(peak=-100)
    volume.hu[13:16, 30:32, 30:32] = 500
    volume.hu[14, 30 : 30 + rows, 30 : 30 + columns] = 500
    assert seen(volume).thick_mm == pytest.approx(0.8 * min(rows, columns), abs=0.81)


@pytest.mark.parametrize("columns", [2, 5])
def test_distance_from_the_lung(columns):
    """A bar beside the lung: its middle column decides, counted from the nearest column of lung."""
    volume = scene(peak=-100)
    volume.hu[:, :, 40:] = -850
    volume.hu[14, 26:36, 40 - columns : 40] = 500
    assert seen(volume).off_lung_mm == pytest.approx(0.8 * (columns + 1) / 2, abs=0.5)


def test_without_lung_it_is_far():
    assert seen(scene()).off_lung_mm == 50
