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
from scoring.anatomy.network import Found

Y, X, RADIUS = 100.0, 100.0, 16.0
USUAL = {"ostium": 100.0, "bifurcation": 102.0, "right": 83.3, "valve": 78.0}
NAMES = ("left_main_ostium", "left_main_bifurcation", "right_ostium", "aortic_valve")
SD = 5.0


def gauss(z_mm, at, sd=SD):
    share = np.exp(-0.5 * ((z_mm - at) / sd) ** 2)
    return share / share.sum()


def heart(make, heights, *, sd=(SD,) * 4, sure=(0.9,) * 4, aside=RADIUS, also=None, top=210.0):
    """Landmarks at those heights, Gaussian along z; the left main begins `aside` of the aorta's middle.

    `also` are a landmark's number, another height, and the share of the probability that lies there.
    """
    image = make.cubes((int(top / 3), 1, 1), 3.0)
    z_mm = np.arange(image.size[0]) * 3.0
    spot = np.array([gauss(z_mm, at, spread) for at, spread in zip(heights, sd, strict=True)])
    if also:
        number, at, share = also
        spot[number] = (1 - share) * spot[number] + share * gauss(z_mm, at)
    places = ((Y, X + aside), (Y, X + 30), (Y - 15, X), (Y, X))
    marks = {
        name: Landmark(np.array([at, *place]), certainty, spread)
        for name, at, place, certainty, spread in zip(NAMES, heights, places, sure, sd, strict=True)
    }
    found = Found(image, (), (), NAMES, np.zeros(1), np.zeros(1), np.zeros(1), spot[:, :, None, None], np.zeros(1))
    return SimpleNamespace(landmarks=marks, found=found)


def usual(**changes):
    return list((USUAL | changes).values())


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


def test_signs_as_in_the_average_heart(make):
    """The bifurcation 2 mm above, the right ostium 16.7 and the valve 22 mm below."""
    found = level(heart(make, usual()), aorta(90))
    assert found.z_mm == pytest.approx(100, abs=0.1)
    assert dict(found.signs) == pytest.approx(dict.fromkeys(NAMES, 100))


@pytest.mark.parametrize("sd", [(SD,) * 4, (9.0, 5.0, 12.0, 5.0), (12.0,) * 4])
def test_what_the_nets_doubt_and_anatomy_leaves_open_adds_up(make, sd):
    """Products of Gaussians, each to the power of a half: the precisions add up, and halve."""
    off = np.array([3.0, -2.0, 4.0, -3.0])
    found = level(heart(make, np.array(usual()) + off, sd=sd), aorta(80))
    weights = 1 / (np.square(sd) + np.square([1.0, 4.0, 5.6, 4.0]))
    assert found.z_mm == pytest.approx(100 + off @ weights / weights.sum(), abs=0.5)
    assert found.spread_mm == pytest.approx(np.sqrt(2 / weights.sum()), rel=0.15)


@given(off=st.lists(st.floats(-8, 8), min_size=4, max_size=4), shift=st.floats(-30, 30))
def test_between_the_signs_and_moved_with_them(make, off, shift):
    heights = np.array(usual()) + off
    found = level(heart(make, heights), aorta(30))
    assert 100 + min(off) - 0.2 <= found.z_mm <= 100 + max(off) + 0.2
    moved = level(heart(make, heights + shift), aorta(30))
    assert moved.z_mm - found.z_mm == pytest.approx(shift, abs=0.5)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
@pytest.mark.parametrize("away", [-50.0, 50.0])
def test_a_second_place_that_no_other_sign_shares(make, number, away):
    found = level(heart(make, usual(), also=(number, usual()[number] + away, 0.45)), aorta(90))
    assert found.z_mm == pytest.approx(100, abs=1)
    assert found.spread_mm < 8


@pytest.mark.parametrize("sign", list(USUAL))
@pytest.mark.parametrize("off", [-45.0, 45.0])
def test_one_sure_sign_that_lies_far_off(make, sign, off):
    refused("landmarks_disagree", heart(make, usual(**{sign: USUAL[sign] + off})), aorta(50), apart_mm=45.0)


@pytest.mark.parametrize(("sure", "fits"), [(0.49, True), (0.51, False)])
def test_one_unsure_sign_that_lies_far_off(make, sure, fits):
    """The nets say themselves that they do not know it, and the others decide."""
    given = heart(make, usual(valve=123.0), sure=(0.9, 0.9, 0.9, sure)), aorta(50)
    if fits:
        assert level(*given).z_mm == pytest.approx(100, abs=2)
    else:
        refused("landmarks_disagree", *given)


@pytest.mark.parametrize(("sd", "fits"), [(18.0, True), (25.0, False)])
def test_the_level_may_be_as_unsure_as_the_ostia_lie_apart(make, sd, fits):
    """Four of them count as two: the square root of a half of the spread."""
    given = heart(make, usual(), sd=(sd,) * 4, sure=(0.3,) * 4), aorta(50)
    if fits:
        assert level(*given).spread_mm == pytest.approx(np.hypot(sd, 4) * np.sqrt(0.5), rel=0.15)
    else:
        refused("left_main_not_found", *given, variant="spread", most_mm=16.0)


def test_one_sure_sign_makes_up_for_others_that_are_not(make):
    found = level(heart(make, usual(), sd=(6.0, 22.0, 22.0, 22.0)), aorta(80))
    assert found.z_mm == pytest.approx(100, abs=1)
    assert found.spread_mm < 10


def test_two_hearts_are_not_told_apart(make):
    """Half of each sign in one place, half 60 mm higher."""
    low, high = (heart(make, np.array(usual()) + by) for by in (0, 60))
    spot = (low.found.spot + high.found.spot) / 2
    found = Found(low.found.cubes, (), (), NAMES, *(np.zeros(1),) * 3, spot, np.zeros(1))
    refused("left_main_not_found", SimpleNamespace(landmarks=low.landmarks, found=found), aorta(50), variant="spread")


def test_a_level_above_the_nets_view(make):
    """The right ostium and the valve are in view and tell of it; the others lie outside of it."""
    given = heart(make, usual(), sure=(0.1, 0.1, 0.9, 0.9), top=96.0)
    given.found.spot[:2] *= 0.02
    assert level(given, aorta(90)).z_mm == pytest.approx(100, abs=2)


@pytest.mark.parametrize(("aside", "fits"), [(-8.0, True), (40.0, True), (42.0, False)])
def test_off_the_wall(make, aside, fits):
    """16 mm are on the wall; 25 mm outwards or inwards are allowed."""
    given = heart(make, usual(), aside=aside), aorta(90)
    if fits:
        assert level(*given).z_mm == pytest.approx(100, abs=0.1)
    else:
        refused("landmarks_disagree", *given, wall_mm=26.0)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"seen_from": 110.0}, True),
        ({"seen_from": 112.5}, False),
        ({"seen_from": 0.0, "seen_to": 99.0}, False),
        ({"seen_from": 102.5, "seen_to": 102.5}, True),
        ({"top": 99.0}, True),
        ({"seen_to": 99.0, "seen_from": 0.0, "top": 106.0}, True),
        ({"seen_to": 99.0, "seen_from": 0.0, "top": 108.6}, False),
    ],
)
def test_the_aorta_is_seen_above(make, given, fits):
    """Within 12 mm above the left main."""
    if fits:
        assert level(heart(make, usual()), aorta(**given)).z_mm == pytest.approx(100, abs=0.1)
    else:
        refused("left_main_not_found", heart(make, usual()), aorta(**given), variant="aorta")
