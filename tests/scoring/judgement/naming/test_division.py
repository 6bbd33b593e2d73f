"""The order along the left main: before its division, or beyond."""

import numpy as np
import pytest

from scoring.judgement.naming.atlas import Sighting
from scoring.judgement.naming.division import find_division, weigh_division
from scoring.result import ARTERIES

OSTIUM = np.array([20.0, -100.0, 1300.0])
LEFT = np.array([1.0, 0.0, 0.0])
LM, LAD, LCX, RCA = range(4)


def seen(length=12.0, spread=2.0):
    """A left main that runs straight to the left."""
    return {
        "left_main_ostium": Sighting(OSTIUM, spread),
        "left_main_bifurcation": Sighting(OSTIUM + length * LEFT, spread),
    }


def at(*left, aside=0.0):
    return OSTIUM + np.array([[value, aside, 0.0] for value in left])


def test_before_it_the_left_main_beyond_it_a_branch():
    near, far = weigh_division(seen(), at(2.0, 24.0)).T
    assert near[LM] > 0.95
    assert max(near[LAD], near[LCX]) < 0.05
    assert far[LM] < 0.05
    assert min(far[LAD], far[LCX]) > 0.95


def test_at_the_division_neither_is_ruled_out():
    (factors,) = weigh_division(seen(), find_division(seen())[0][None]).T
    assert factors[[LM, LAD, LCX]] == pytest.approx([0.5, 0.5, 0.5])


def test_the_less_sure_the_softer():
    sure, unsure = (weigh_division(seen(spread=spread), at(4.0)).T[0] for spread in (1.0, 12.0))
    assert sure[LM] > unsure[LM] > 0.5


def test_a_branch_that_comes_back_at_a_distance_is_none_of_its_business():
    (beside,) = weigh_division(seen(), at(4.0, aside=30.0)).T
    assert beside[[LAD, LCX, RCA]] == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_length_that_nobody_saw_is_the_published_one():
    """10.5 mm from the ostium (Medrano-Gracia), with 5.3 mm between people and the ostium's own spread."""
    place, spread = find_division({"left_main_ostium": Sighting(OSTIUM, 3.0)})
    assert np.linalg.norm(place - OSTIUM) == pytest.approx(10.5)
    assert spread == pytest.approx(np.hypot(3.0, 5.3))


def test_an_unusual_length_is_believed_as_far_as_it_is_sure():
    """25 mm seen: with 1 mm of spread it is so; with 20 mm it weighs 1/400 against 1/(1 + 28) of the published one."""
    sure = find_division(seen(25.0, 1.0))[0]
    unsure = find_division(seen(25.0, 1.0) | {"left_main_bifurcation": Sighting(OSTIUM + 25 * LEFT, 20.0)})[0]
    assert np.linalg.norm(sure - OSTIUM) == pytest.approx(25, abs=1)
    assert np.linalg.norm(unsure - OSTIUM) == pytest.approx(10.5 + 14.5 / (1 + 400 / 29), abs=0.3)


def test_the_right_artery_does_not_depend_on_it():
    assert weigh_division(seen(), at(-10.0, 2.0, 50.0))[ARTERIES.index("RCA")].tolist() == [1, 1, 1]
