"""The left main's level from signs that agree, and from ones that do not."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.heart import Landmark
from scoring.anatomy.level import TARGET_MM, level
from training.classes import LANDMARK_SD_MM

Y, X, RADIUS = 100.0, 100.0, 16.0
USUAL = {"ostium": 100.0, "bifurcation": 102.0, "right": 83.3, "valve": 78.0}


def heart(ostium=100.0, bifurcation=102.0, right=83.3, valve=78.0, aside=RADIUS, doubt=(0.0, 0.0, 0.0, 0.0)):
    """Heights of the landmarks; the left main begins `aside` of the aorta's middle. The apex is certain."""
    heights = {
        "left_main_ostium": (ostium, Y, X + aside),
        "left_main_bifurcation": (bifurcation, Y, X + 30),
        "right_ostium": (right, Y - 15, X),
        "aortic_valve": (valve, Y, X),
    }
    marks = {
        name: Landmark(np.array(place), 0.8, float(np.hypot(TARGET_MM, own)))
        for (name, place), own in zip(heights.items(), doubt, strict=True)
    }
    return SimpleNamespace(landmarks=marks | {"apex": Landmark(np.array([40.0, Y - 40, X + 60]), 1.0, TARGET_MM)})


def aorta(seen_from=100.0, seen_to=160.0, top=160.0, radius=RADIUS):
    z_mm = np.arange(0.0, top, 2.5)
    flat = np.ones(len(z_mm))
    seen = (z_mm >= seen_from) & (z_mm <= seen_to)
    return Track(z_mm, Y * flat, X * flat, radius * flat, flat, seen, 0 * flat)


def refused(code, *given, **values):
    with pytest.raises(NotScorable) as raised:
        level(*given)
    assert raised.value.code == code
    assert {name: raised.value.values[name] for name in values} == values


def test_the_nets_learn_the_spread_that_counts_as_none():
    assert LANDMARK_SD_MM == TARGET_MM


def test_signs_as_in_the_average_heart():
    """The bifurcation 2 mm above, the right ostium 16.7 and the valve 22 mm below."""
    found = level(heart(), aorta())
    assert found.z_mm == pytest.approx(100)
    assert dict(found.signs) == pytest.approx(
        {"left_main_ostium": 100, "left_main_bifurcation": 100, "right_ostium": 100, "aortic_valve": 100}
    )


def test_the_sign_that_varies_least_weighs_most():
    # The nets' variances, 4^2 and 10^2, 3^2, 0, 3^2; between patients 0, 4^2, 5.6^2, 4^2; off by 10, 0, -4 and 5.
    found = level(heart(110, 102, 79.3, 83, doubt=(10.0, 3.0, 0.0, 3.0)), aorta())
    weights = np.array([1 / 116, 1 / 41, 1 / 47.36, 1 / 41])
    off = np.array([10, 0, -4, 5])
    assert found.z_mm == pytest.approx(100 + (off @ weights) / weights.sum())
    # As sure as the four are on average: 7.2 mm, more than they lie apart.
    assert found.spread_mm == pytest.approx(np.sqrt(4 / weights.sum()))


def test_signs_that_lie_apart_show_it():
    found = level(heart(112, 114, 71.3, 66), aorta())
    weights = np.array([1 / 16, 1 / 32, 1 / 47.36, 1 / 32])
    off = np.array([12, 12, -12, -12])
    mean = off @ weights / weights.sum()
    assert found.spread_mm == pytest.approx(np.sqrt(((off - mean) ** 2) @ weights / weights.sum()))


@given(
    off=st.lists(st.floats(-10, 10), min_size=4, max_size=4),
    doubt=st.lists(st.floats(0, 12), min_size=4, max_size=4),
    shift=st.floats(-30, 30),
)
def test_between_the_signs_and_moved_with_them(off, doubt, shift):
    heights = np.array(list(USUAL.values())) + off
    found = level(heart(*heights, doubt=doubt), aorta(50))
    assert 100 + min(off) - 1e-9 <= found.z_mm <= 100 + max(off) + 1e-9
    moved = level(heart(*(heights + shift), doubt=doubt), aorta(50))
    assert moved.z_mm - found.z_mm == pytest.approx(shift, abs=1e-6)
    assert moved.spread_mm == pytest.approx(found.spread_mm, abs=1e-6)


@pytest.mark.parametrize("sign", ["bifurcation", "right", "valve"])
@pytest.mark.parametrize("off", [-45.0, 45.0])
def test_one_sure_sign_that_lies_far_off(sign, off):
    refused("landmarks_disagree", heart(**{sign: USUAL[sign] + off}), aorta(50), apart_mm=45.0)


def test_an_ostium_that_all_others_contradict():
    refused("landmarks_disagree", heart(ostium=145.0, doubt=(6.0, 0.0, 0.0, 0.0)), aorta(50), apart_mm=45.0)


def test_one_unsure_sign_that_lies_far_off():
    """The nets say themselves that they do not know it: 3 x 20 mm are not exceeded, and the others decide."""
    found = level(heart(valve=123.0, doubt=(2.0, 2.0, 2.0, 20.0)), aorta(50))
    assert found.z_mm == pytest.approx(100, abs=2)


@pytest.mark.parametrize(("doubt", "fits"), [(14.0, True), (16.0, False)])
def test_the_level_may_be_as_unsure_as_the_ostia_lie_apart(doubt, fits):
    given = heart(doubt=(doubt,) * 4), aorta()
    if fits:
        assert level(*given).spread_mm == pytest.approx(np.hypot(doubt, 5.4), abs=0.5)
    else:
        refused("left_main_not_found", *given, variant="spread", most_mm=16.0)


def test_one_sure_sign_makes_up_for_others_that_are_not():
    found = level(heart(doubt=(3.0, 18.0, 18.0, 18.0)), aorta())
    assert found.z_mm == pytest.approx(100)
    assert found.spread_mm < 10


@pytest.mark.parametrize(
    ("aside", "doubt", "fits"), [(-8.0, 0, True), (40.0, 0, True), (42.0, 0, False), (42.0, 3, True)]
)
def test_off_the_wall(aside, doubt, fits):
    """16 mm are on the wall; 25 mm outwards or inwards are allowed, and what the nets doubt."""
    given = heart(aside=aside, doubt=(doubt, 0.0, 0.0, 0.0)), aorta()
    if fits:
        assert level(*given).z_mm == pytest.approx(100)
    else:
        refused("landmarks_disagree", *given, wall_mm=26.0)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"seen_from": 110.0}, True),
        ({"seen_from": 112.5}, False),
        ({"seen_from": 0.0, "seen_to": 99.0}, False),
        ({"seen_from": 102.5, "seen_to": 102.5}, True),
        ({"top": 99.0}, False),
    ],
)
def test_the_aorta_is_seen_above(given, fits):
    """Within 12 mm above the left main."""
    if fits:
        assert level(heart(), aorta(**given)).z_mm == pytest.approx(100)
    else:
        refused("left_main_not_found", heart(), aorta(**given), variant="aorta")


def test_unsure_signs_are_refused_before_they_disagree():
    refused("left_main_not_found", heart(ostium=200.0, doubt=(40.0, 40.0, 40.0, 40.0)), aorta(), variant="spread")
