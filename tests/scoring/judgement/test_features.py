"""Where candidates lie and what surrounds them, on bodies whose distances are known."""

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement.features import UNKNOWN_HU, measure, measure_surroundings

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


def candidates(volume):
    return agatston.candidates(volume, STANDARD)


def test_distances_are_medians_over_a_candidate(given_anatomy):
    volume = scene((30.0, 40.0, 40.0), (60.0, 20.0, 64.0))
    anatomy = given_anatomy(
        body=lambda p: p[:, 1] - 50,
        chambers=lambda p: 30 - p[:, 2],
        aorta=lambda p: np.hypot(p[:, 1], p[:, 2]),
        ascending=7.0,
        descending=lambda p: p[:, 0] - 9,
        courses=lambda p: np.stack([p[:, 0], p[:, 1], p[:, 2], 0 * p[:, 0]]),
        left_main_mm=50.0,
    )
    found = measure(volume, anatomy, candidates(volume))
    # Balls are symmetrical: the median is that of the middle, give or take half a voxel.
    assert found.above_mm == pytest.approx([-20, 10], abs=1.5)
    assert found.heart_mm == pytest.approx([-10, -30], abs=0.5)
    assert found.chamber_mm == pytest.approx([-10, -34], abs=0.5)
    assert found.root_mm == pytest.approx([np.hypot(40, 40), np.hypot(20, 64)], abs=0.6)
    assert found.ascending_mm == pytest.approx([7, 7])
    assert found.descending_mm == pytest.approx([21, 51], abs=1.5)
    assert found.course_mm == pytest.approx(np.array([[30, 60], [40, 20], [40, 64], [0, 0]]), abs=1.5)
    assert found.nearest_mm.tolist() == [0, 0]


def test_attenuation_and_noise(given_anatomy):
    volume = scene()
    noise = np.linspace(5, 34, SHAPE[0])
    found = measure(volume, given_anatomy(blood_hu=45.0, noise_by_slice=noise), candidates(volume))
    assert found.contrast_hu == pytest.approx([600 - 45])
    assert found.noise_hu == pytest.approx([noise[14]])
    assert found.blood_hu == 45
    assert found.volume_mm3 == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.15)


def test_length_and_peak(given_anatomy):
    """The diagonal between the centres of the outermost voxels: 6, 4 and 8 mm, and 0.8 mm."""
    volume = scene(peak=-100)
    volume.hu[10:13, 40:46, 50:61] = 500
    volume.hu[11, 42, 55] = 1234
    volume.hu[20, 70:72, 70] = 300
    found = measure(volume, given_anatomy(blood_hu=45.0), candidates(volume))
    assert found.length_mm == pytest.approx([np.sqrt(36 + 16 + 64), 0.8])
    assert found.max_hu.tolist() == [1234, 300]
    assert found.contrast_hu == pytest.approx([1234 - 45, 300 - 45])


def test_of_many_voxels_a_sample_is_enough(given_anatomy):
    volume = scene(radius=20.0)
    found = candidates(volume)
    assert len(found[0].voxels) > 10_000
    asked = []
    anatomy = given_anatomy(body=lambda p: asked.append(len(p)) or p[:, 2])
    assert measure(volume, anatomy, found).heart_mm == pytest.approx([40], abs=3)
    assert 200 <= asked[0] < 400


class TestSurroundings:
    def test_fat(self, given_anatomy):
        volume = scene()
        around = measure_surroundings(volume, given_anatomy(), candidates(volume)[0])
        assert around.darkest_hu == pytest.approx(-100, abs=1)
        assert around.median_hu == pytest.approx(-100, abs=1)
        assert (around.lung, around.touching_lung) == (0, 0)

    def test_between_fat_and_lung(self, given_anatomy):
        volume = scene()
        # Lung from 5.2 mm beside the ball's middle on, 1.2 mm beside its wall.
        volume.hu[:, :, 57:] = -850
        around = measure_surroundings(volume, given_anatomy(), candidates(volume)[0])
        # The edge of the lung is dark, but no fat.
        assert -115 < around.darkest_hu < -80
        assert 0.1 < around.lung < 0.5
        assert 0 < around.touching_lung < around.lung + 0.2

    def test_lung_that_touches(self, given_anatomy):
        volume = scene(background=-850)
        around = measure_surroundings(volume, given_anatomy(), candidates(volume)[0])
        assert around.lung == pytest.approx(1, abs=0.02)
        assert around.touching_lung == pytest.approx(1, abs=0.1)

    def test_nothing_but_lung_is_unknown_tissue(self, given_anatomy):
        volume = scene(radius=2.0, background=-900)
        around = measure_surroundings(volume, given_anatomy(), candidates(volume)[0])
        assert around.darkest_hu == UNKNOWN_HU

    def test_fat_on_one_side_is_the_darkest(self, given_anatomy):
        volume = scene(background=45)
        volume.hu[:, :, 56:] = np.where(volume.hu[:, :, 56:] == 45, -100, volume.hu[:, :, 56:])
        around = measure_surroundings(volume, given_anatomy(), candidates(volume)[0])
        assert around.darkest_hu < -90
        assert around.median_hu == pytest.approx(45, abs=2)

    def test_noise_from_the_fine_structure(self, given_anatomy):
        """What smoothing takes from white noise, times the ratio that was measured in the blood."""
        volume = scene()
        noise = np.random.default_rng(3).normal(0, 20, SHAPE)
        volume.hu[:] = np.where(volume.hu == -100, volume.hu + noise, volume.hu)
        left, middle = 1 / (4 * np.pi), 1 / (2 * np.pi)  # a Gaussian of one voxel
        taken = np.sqrt(1 - 2 * middle + left)
        around = measure_surroundings(volume, given_anatomy(noise_per_fine=1 / taken), candidates(volume)[0])
        assert around.noise_hu == pytest.approx(20, rel=0.2)

    def test_at_the_border_of_the_image(self, given_anatomy):
        volume = scene((0.0, 0.0, 0.0))
        around = measure_surroundings(volume, given_anatomy(), candidates(volume)[0])
        assert around.darkest_hu == pytest.approx(-100, abs=1)
