"""The shipped weights on held-out bodies; and the metrics expose a bad net."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.anatomy.heart import CHAMBERS
from scoring.anatomy.network import network
from scoring.result import ARTERIES
from training import classes
from training.metrics import FIRST_SEED, Metrics, measure

SEEDS = range(FIRST_SEED, FIRST_SEED + 3)
CHEST_DICE = {"heart": 0.85, "descending": 0.75, "ascending": 0.75, "lung": 0.85}
HEART_DICE = dict.fromkeys(CHAMBERS, 0.8)
LANDMARK_MM, COURSE_MM = 9.0, 11.0


class Shuffled:
    """A net whose classes and fields are each shifted by one."""

    def __init__(self, kind):
        self.net = network(kind)
        self.classes, self.fields = self.net.classes, self.net.fields
        self.step_mm, self.reach_mm = self.net.step_mm, self.net.reach_mm

    def find(self, image):
        output = self.net.find(image)
        label = ((output.label + 1) % len(self.classes)).astype(np.uint8)
        share = np.roll(output.share, 1, axis=0)
        return replace(output, label=label, share=share, field=np.roll(output.field, 1, axis=0))


@pytest.fixture(scope="module")
def shipped() -> dict[str, Metrics]:
    return {kind: measure(network(kind), kind, SEEDS) for kind in ("chest", "heart")}


@pytest.fixture(scope="module")
def shuffled() -> dict[str, Metrics]:
    return {kind: measure(Shuffled(kind), kind, SEEDS[:1]) for kind in ("chest", "heart")}


def test_bodies_are_held_out():
    """Training uses seeds from 0 on, the measurements of the engine those from 100,000 on."""
    assert FIRST_SEED == 90_000


@pytest.mark.parametrize(
    ("kind", "name", "least"),
    [("chest", *item) for item in CHEST_DICE.items()] + [("heart", *item) for item in HEART_DICE.items()],
)
def test_classes(shipped, shuffled, kind, name, least):
    assert least <= shipped[kind].dice[name] <= 1
    assert shuffled[kind].dice[name] < least / 2


@pytest.mark.parametrize("name", classes.LANDMARKS)
def test_landmarks(shipped, shuffled, name):
    assert 0 <= shipped["heart"].landmark_mm[name] <= LANDMARK_MM
    assert shuffled["heart"].landmark_mm[name] > LANDMARK_MM


@pytest.mark.parametrize("artery", ARTERIES)
def test_courses(shipped, shuffled, artery):
    assert 0 <= shipped["heart"].course_mm[artery] <= COURSE_MM
    assert shuffled["heart"].course_mm[artery] > COURSE_MM


def test_nothing_is_left_out(shipped):
    assert shipped["heart"].landmark_mm.keys() == {*classes.LANDMARKS}
    assert shipped["heart"].course_mm.keys() == {*ARTERIES}
    assert shipped["heart"].dice.keys() == {*classes.NAMES["heart"]}
    assert shipped["chest"].dice.keys() == {*classes.NAMES["chest"]}
    assert shipped["chest"].landmark_mm == shipped["chest"].course_mm == {}
