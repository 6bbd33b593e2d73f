"""Where candidates lie and what surrounds them, on bodies whose distances are known."""

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement.features import FAR_MM, measure

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


def test_length_and_peak(given_anatomy):
    """The diagonal between the centres of the outermost voxels: 6, 4 and 8 mm, and 0.8 mm."""
    volume = scene(peak=-100)
    volume.hu[10:13, 40:46, 50:61] = 500
    volume.hu[11, 42, 55] = 1234
    volume.hu[20, 70:72, 70] = 300
    found = measure(volume, given_anatomy(blood_hu=45.0), candidates(volume))
    assert found.length_mm == pytest.approx([np.sqrt(36 + 16 + 64), 0.8])
    assert found.max_hu.tolist() == [1234, 300]


def test_of_many_voxels_a_sample_is_enough(given_anatomy):
    volume = scene(radius=20.0)
    found = candidates(volume)
    assert len(found[0].voxels) > 10_000
    asked = []
    anatomy = given_anatomy(body=lambda p: asked.append(len(p)) or p[:, 2])
    assert measure(volume, anatomy, found).heart_mm == pytest.approx([40], abs=3)
    assert 60 <= asked[0] < 120


class TestPlaces:
    def test_probabilities_are_means_over_a_candidate(self, given_anatomy):
        volume = scene((30.0, 40.0, 40.0), (60.0, 20.0, 64.0))
        anatomy = given_anatomy(
            likely={"LM": 0.1, "RCA": lambda p: p[:, 0] / 100, "root": 0.2, "annulus": 0.05}, doubt=0.3
        )
        found = measure(volume, anatomy, candidates(volume))
        assert found.artery[0] == pytest.approx([0.1, 0.1])
        assert found.artery[3] == pytest.approx([0.3, 0.6], abs=0.02)
        assert found.coronary == pytest.approx([0.4, 0.7], abs=0.02)
        assert found.root.tolist() == pytest.approx([0.2, 0.2])
        assert found.annulus.tolist() == pytest.approx([0.05, 0.05])
        assert found.doubt.tolist() == pytest.approx([0.3, 0.3])

    def test_beside_is_the_best_within_five_millimetres(self, given_anatomy):
        """A course that begins 4 mm to the left of one candidate, and 6 mm of the other."""
        volume = scene((30.0, 40.0, 40.0), (60.0, 40.0, 38.0))
        anatomy = given_anatomy(likely={"LCX": lambda p: np.where(p[:, 2] > 44, 0.9, 0.1)})
        assert measure(volume, anatomy, candidates(volume)).beside == pytest.approx([0.9, 0.1])

    def test_calcium_of_the_same_ring(self, given_anatomy):
        """Three balls of one size, 24 and 60 mm from the first: only the second is within a ring of it."""
        volume = scene((42.0, 10.0, 10.0), (42.0, 34.0, 10.0), (42.0, 70.0, 10.0))
        found = measure(volume, given_anatomy(likely={"root": 0.5, "annulus": 0.25}), candidates(volume))
        size = found.volume_mm3[0]
        assert found.roots_mm3 == pytest.approx(0.5 * size * np.array([1, 2, 1]), rel=0.01)
        assert found.annuli_mm3 == pytest.approx(0.25 * size * np.array([1, 2, 1]), rel=0.01)

    def test_landmarks_and_hinge(self, given_anatomy):
        anatomy = given_anatomy(
            landmarks={"aortic_valve": (42.0, 40.0, 52.0)},
            **{"left atrium": lambda p: p[:, 1] - 38, "left ventricle": 1.0},
        )
        found = measure(scene(), anatomy, candidates(scene()))
        assert found.valve_mm == pytest.approx([12], abs=0.5)
        assert found.mitral_mm.tolist() == [FAR_MM]  # a net that does not know it
        assert found.hinge_mm == pytest.approx([2], abs=0.5)

    def test_moved_against_the_heart_but_not_against_the_bones(self, given_anatomy):
        anatomy = given_anatomy(body=lambda p: p[:, 1], bone=lambda p: p[:, 1])
        found = measure(scene(), anatomy, candidates(scene()), np.array([[0.0, 7.0, 0.0]]))
        assert found.heart_mm == pytest.approx([47], abs=0.5)
        assert found.bone_mm == pytest.approx([40], abs=0.5)
