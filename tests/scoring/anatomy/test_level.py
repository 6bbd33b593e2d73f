"""The left main's level from signs that agree, and from ones that do not."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.heart import Landmark
from scoring.anatomy.level import level

Y, X, RADIUS = 100.0, 100.0, 16.0


def heart(ostium=100.0, bifurcation=100.0, valve=87.0, right=100.0, aside=RADIUS, sure=(1.0, 1.0, 1.0, 1.0)):
    """Heights of the landmarks; the left main begins `aside` of the aorta's middle. The apex is certain."""
    heights = {
        "left_main_ostium": (ostium, Y, X + aside),
        "left_main_bifurcation": (bifurcation, Y, X + 30),
        "aortic_valve": (valve, Y, X),
        "right_ostium": (right, Y - 15, X),
    }
    marks = {
        name: Landmark(np.array(place), certainty, 5.0)
        for (name, place), certainty in zip(heights.items(), sure, strict=True)
    }
    return SimpleNamespace(landmarks=marks | {"apex": Landmark(np.array([40.0, Y - 40, X + 60]), 1.0, 5.0)})


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


def test_signs_that_agree():
    """The valve lies 13 mm below."""
    found = level(heart(), aorta())
    assert (found.z_mm, found.spread_mm) == pytest.approx((100, 0))
    assert dict(found.signs) == {"ostium": 100, "bifurcation": 100, "valve": 100, "right ostium": 100}


def test_the_surest_sign_weighs_most():
    # Weights 1/25, 1/36, 1/49 and 1/64: 10.598143 / 0.103811.
    found = level(heart(100, 106, 91, 98), aorta())
    assert found.z_mm == pytest.approx(102.0907, abs=1e-3)
    assert found.spread_mm == pytest.approx(np.sqrt(10))


@given(heights=st.lists(st.floats(90, 110), min_size=4, max_size=4), shift=st.floats(-30, 30))
def test_between_the_signs_and_moved_with_them(heights, shift):
    ostium, bifurcation, valve, right = heights
    found = level(heart(ostium, bifurcation, valve - 13, right), aorta(50))
    assert min(heights) - 1e-9 <= found.z_mm <= max(heights) + 1e-9
    moved = level(heart(*(np.array([ostium, bifurcation, valve - 13, right]) + shift)), aorta(50))
    assert moved.z_mm - found.z_mm == pytest.approx(shift, abs=1e-6)
    assert moved.spread_mm == pytest.approx(found.spread_mm, abs=1e-6)


@pytest.mark.parametrize("sign", ["ostium", "bifurcation", "valve", "right"])
@pytest.mark.parametrize("off", [-45.0, 45.0])
def test_one_sign_that_lies_far_off(sign, off):
    usual = {"ostium": 100.0, "bifurcation": 100.0, "valve": 87.0, "right": 100.0}
    refused("landmarks_disagree", heart(**{sign: usual[sign] + off}), aorta(50), apart_mm=45.0)


def test_signs_up_to_two_centimetres_apart_do():
    assert level(heart(110, 110, 97, 90), aorta()).z_mm > 100


@pytest.mark.parametrize(("aside", "fits"), [(-3.0, True), (35.0, True), (37.0, False), (0.0, True)])
def test_off_the_wall(aside, fits):
    """16 mm are on the wall; 20 mm outwards or inwards are allowed."""
    if fits:
        assert level(heart(aside=aside), aorta()).z_mm == pytest.approx(100)
    else:
        refused("landmarks_disagree", heart(aside=aside), aorta(), wall_mm=21.0)


def test_in_the_middle_of_a_huge_aorta():
    refused("landmarks_disagree", heart(aside=0.0), aorta(radius=24.0), wall_mm=24.0)


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


@pytest.mark.parametrize(
    ("sure", "mean"),
    [
        ((0.41, 0.41, 0.41, 0.41), None),
        ((1.0, 0.66, 0.0, 0.0), None),
        ((0.0, 0.0, 0.82, 0.82), None),
        ((0.39, 0.39, 0.39, 0.39), 0.39),
        ((0.9, 0.6, 0.0, 0.0), 0.375),
        ((0.0, 0.0, 0.0, 1.0), 0.25),
        ((0.0, 0.0, 0.0, 0.0), 0.0),
    ],
)
def test_the_mean_certainty_of_the_signs_is_enough(sure, mean):
    """Of the left main's two landmarks, the right ostium and the valve, not of the apex."""
    if mean is None:
        assert level(heart(sure=sure), aorta()).z_mm == pytest.approx(100)
    else:
        refused("left_main_not_found", heart(sure=sure), aorta(), certainty=mean, least=0.4)


def test_uncertain_signs_are_refused_before_they_disagree():
    refused("left_main_not_found", heart(ostium=200.0, sure=(0.1, 0.9, 0.1, 0.1)), aorta(), variant="certainty")
