"""Which candidates count, how sure, and in which artery."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import agatston, conventions
from scoring.anatomy import Anatomy, Track, find
from scoring.anatomy.blood import Blood
from scoring.anatomy.bone import Bone
from scoring.anatomy.coarse import coarse
from scoring.anatomy.features import measure, surroundings
from scoring.anatomy.heart import Body
from scoring.anatomy.hull import Hull
from scoring.anatomy.level import Level
from scoring.anatomy.lungs import Lungs
from scoring.lesions import PLACE_RULES, fit, judge
from scoring.phantom import PhantomSpec, make_phantom
from scoring.volume import Volume

SPACING = (3.0, 0.8, 0.8)
SHAPE = (50, 250, 250)
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
STANDARD = conventions.named("standard")
LEFT_MAIN_MM = 110.0
ASCENDING, DESCENDING = (80.0, 80.0, 16.0), (150.0, 110.0, 12.0)


def track(y, x, radius):
    z_mm = np.arange(SHAPE[0]) * SPACING[0]
    return Track(z_mm, *(np.full(len(z_mm), value) for value in (y, x, radius, 0.9)), anchor_mm=130.0)


def frame(volume, bone_at=None, airway_at=None, noise_hu=12.0):
    """An anatomy that is given, not found: straight aortas in a block of tissue 10..190 mm wide."""
    grid = coarse(volume)
    masks = []
    for place in (bone_at, airway_at):
        mask = np.zeros(grid.hu.shape, bool)
        if place is not None:
            mask[tuple(grid.index(np.array(place)))] = True
        masks.append(mask)
    planes = np.array([[1.0, 0.0, -190.0], [-1.0, 0.0, 10.0], [0.0, 1.0, -190.0], [0.0, -1.0, 10.0]])
    z_mm = np.arange(SHAPE[0]) * SPACING[0]
    return Anatomy(
        grid=grid,
        lungs=Lungs(masks[0] & False, 3000.0),
        hull=Hull(z_mm, (planes,) * len(z_mm)),
        bone=Bone(masks[0], np.tile([160.0, 90.0], (len(grid.hu), 1))),
        airway=masks[1],
        descending=track(*DESCENDING),
        ascending=track(*ASCENDING),
        body=Body(np.zeros((2, 2, 2), np.float32), np.zeros(3), np.array([200.0, 200.0, 200.0])),
        left_main=Level(LEFT_MAIN_MM, 3.0, ()),
        blood=Blood(40.0, noise_hu, np.full(SHAPE[0], noise_hu), 4.0, 1.5),
        core_hu=40.0,
        heart_slices=(5, 44),
        flags=(),
    )


def scene(place_mm, *, peak=600, size_mm=4.0, background=-100, noise=0.0):
    """One ball of calcium in a background."""
    z, y, x = (np.arange(n) * s for n, s in zip(SHAPE, SPACING, strict=True))
    away = np.sqrt((z[:, None, None] - place_mm[0]) ** 2 + (y[:, None] - place_mm[1]) ** 2 + (x - place_mm[2]) ** 2)
    hu = np.where(away <= size_mm, peak, background).astype(np.float64)
    if noise:
        hu += np.random.default_rng(0).normal(0, noise, SHAPE)
    return Volume(hu.round().astype(np.int16), SPACING, (0.0, 0.0, 0.0), AXES, ())


def verdict(place_mm, *, bone_at=None, airway_at=None, noise_hu=12.0, **kwargs):
    volume = scene(place_mm, **kwargs)
    found = agatston.candidates(volume, STANDARD)
    assert len(found) == 1
    return judge(volume, frame(volume, bone_at, airway_at, noise_hu), found)[0]


# (z, y, x) in mm; the aortic root is at y 80, x 80, the left main's level at z 110
@pytest.mark.parametrize(
    ("artery", "place"),
    [
        ("LM", (108, 90, 104)),
        ("LAD", (104, 76, 130)),
        ("LAD", (70, 55, 140)),
        ("LCX", (100, 112, 122)),
        ("LCX", (70, 120, 140)),
        ("RCA", (95, 55, 75)),
        ("RCA", (70, 50, 70)),
        ("RCA", (42, 110, 100)),
    ],
)
def test_artery_by_position(artery, place):
    found = verdict(place)
    assert found.counted
    assert found.artery == artery
    assert found.confidence > 0.8
    assert found.reason == ""


@pytest.mark.parametrize(
    ("why", "place", "extra"),
    [
        ("chest wall", (90, 14, 100), {}),
        ("below", (4, 80, 120), {}),
        ("above", (143, 60, 130), {}),
        ("ascending", (110, 80, 63), {}),
        ("ascending", (120, 95, 85), {}),
        ("descending", (60, 136, 110), {}),
        ("behind the heart", (60, 160, 150), {}),
        ("bone", (90, 50, 120), {"bone_at": (90, 50, 122)}),
        ("airway", (90, 60, 120), {"airway_at": (90, 60, 122)}),
        ("root of a lung", (120, 130, 130), {}),
        ("noise", (90, 60, 120), {"peak": 150, "noise_hu": 24.0}),
        ("fat", (90, 60, 120), {"background": 40}),
        ("smear", (90, 60, 120), {"background": 75}),
        ("lung", (90, 60, 120), {"background": -850}),
    ],
)
def test_rejected_with_a_reason(why, place, extra):
    found = verdict(place, **extra)
    assert not found.counted
    assert found.confidence < 0.3
    assert why in found.reason


def test_order_and_length_are_kept():
    volume = scene((90, 60, 120))
    volume.hu[5:7, 20:23, 20:23] = 500
    candidates = agatston.candidates(volume, STANDARD)
    verdicts = judge(volume, frame(volume), candidates)
    assert [item.candidate for item in verdicts] == candidates
    assert [item.counted for item in verdicts] == [False, True]


def test_nothing_to_judge():
    volume = scene((90, 60, 120), peak=0)
    assert judge(volume, frame(volume), []) == []


def test_places_are_measured_in_mm():
    volume = scene((95.0, 100.0, 60.0))
    features = measure(volume, frame(volume), agatston.candidates(volume, STANDARD))
    assert features.above_mm == pytest.approx(95 - LEFT_MAIN_MM, abs=1.6)
    assert features.behind_mm == pytest.approx(20, abs=1)
    assert features.left_mm == pytest.approx(-20, abs=1)
    assert features.ascending_mm == pytest.approx(np.hypot(20, 20) - 16, abs=1)
    assert features.right_mm == pytest.approx(50, abs=1)
    assert features.depth_mm == pytest.approx(50, abs=1.5)
    assert features.bone_mm == pytest.approx(100)


def test_surroundings_of_a_lesion_between_fat_and_lung():
    volume = scene((90, 60, 120))
    volume.hu[:, :, 157:] = -850
    around = surroundings(volume, frame(volume), agatston.candidates(volume, STANDARD)[0])
    assert -120 < around.darkest_hu < -80
    assert 0.02 < around.lung < 0.3
    assert around.touching_lung < 0.12


@given(
    low=st.floats(-200, 200),
    step=st.floats(0, 50),
    limit=st.floats(-100, 100),
    width=st.floats(0.05, 20),
)
def test_fit_is_between_0_and_1_and_monotone(low, step, limit, width):
    first, second = float(fit(low, limit, width)), float(fit(low + step, limit, width))
    assert 0 <= first <= second <= 1
    assert float(fit(low, limit, -width)) == pytest.approx(1 - first, abs=1e-9)
    assert float(fit(limit, limit, width)) == pytest.approx(0.5)


@pytest.mark.parametrize("rule", PLACE_RULES, ids=lambda rule: f"{rule.feature} {rule.reason}")
def test_rules_leave_room_for_doubt(rule):
    near = [float(fit(rule.limit + rule.width * part, rule.limit, rule.width)) for part in (-1, -0.5, 0.5, 1)]
    assert all(0.2 < value < 0.8 for value in near)
    assert near == sorted(near)


def test_confidence_falls_steadily_towards_the_aortic_wall():
    sure = [verdict((118, 80, x), size_mm=2.5, bone_at=None).confidence for x in (112, 108, 104, 101, 99, 96)]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] > 0.9
    assert sure[-1] < 0.1


def test_brighter_is_surer():
    sure = [verdict((90, 60, 120), peak=peak, noise_hu=25.0).confidence for peak in (150, 180, 210, 260, 400)]
    assert sure == sorted(sure)
    assert sure[0] < 0.3
    assert sure[-1] > 0.9


class TestPhantom:
    @staticmethod
    def judged(spec):
        phantom = make_phantom(spec)
        volume = Volume(phantom.hu, phantom.spacing_mm, phantom.origin_mm, AXES, ())
        anatomy = find(volume)
        return phantom.truth, anatomy, volume, judge(volume, anatomy, agatston.candidates(volume, STANDARD))

    def test_calcium_is_found_and_only_that(self):
        truth, anatomy, volume, verdicts = self.judged(PhantomSpec(seed=1, matrix=256, slice_increment_mm=3.0))
        counted = [item for item in verdicts if item.counted]
        assert sum(item.candidate.agatston for item in counted) == pytest.approx(truth.agatston.total, rel=0.2)
        for item in counted:
            away = [
                np.linalg.norm(np.subtract(item.candidate.centroid_mm, lesion.centre_mm)) for lesion in truth.lesions
            ]
            assert min(away) < 6
            assert item.artery == truth.lesions[int(np.argmin(away))].artery
        assert volume.origin_mm[2] + anatomy.left_main.z_mm == pytest.approx(truth.left_main_mm[2], abs=12)
