"""How well a net does on bodies that it has not seen: what the model card states and the tests check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.isotropic import AIR_HU, Cubes
from scoring.anatomy.network import Found, Kind, Network
from scoring.phantom.shapes import stream
from scoring.result import ARTERIES
from training import classes
from training.body import Body
from training.view import View, draw

FIRST_SEED: Final = 90_000
"""Bodies from here on are never trained on; phantoms from 100,000 on measure the whole engine."""

_IGNORED: Final = 255
_ON_COURSE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Metrics:
    """Means over views: Dice per class, error of each landmark in mm (median), and how far off the courses lie in mm.

    `course_mm` is the median, over the true courses of each artery, of the distance that the net sees there.
    """

    dice: dict[str, float]
    landmark_mm: dict[str, float]
    course_mm: dict[str, float]


def measure(net: Network, kind: Kind, seeds: Iterable[int]) -> Metrics:
    """Metrics of a net on one view each of the bodies of some seeds."""
    dice: dict[str, list[float]] = {name: [] for name in net.classes}
    marks: dict[str, list[float]] = {name: [] for name in classes.LANDMARKS}
    courses: dict[str, list[float]] = {name: [] for name in ARTERIES}
    for seed in seeds:
        view = draw(Body.paint(seed, kind), kind, stream(seed, "metrics"))
        found = net.find(_cubes(view, net.step_mm))
        for number, name in enumerate(net.classes):
            true, said = view.label == number, (found.label == number) & (view.label != _IGNORED)
            if true.sum() > 50:
                dice[name].append(float(2 * (true & said).sum() / (true.sum() + said.sum())))
        if kind == "heart":
            _fields(view, found, net, marks, courses)
    return Metrics(
        dice={name: float(np.mean(v)) for name, v in dice.items() if v},
        landmark_mm={name: float(np.median(v)) for name, v in marks.items() if v},
        course_mm={name: float(np.median(v)) for name, v in courses.items() if v},
    )


def _cubes(view: View, step_mm: float) -> Cubes:
    z, y, x = view.hu.shape
    hu = np.full([-(-side // 8) * 8 for side in (z, y, x)], AIR_HU, np.float32)
    hu[:z, :y, :x] = view.hu
    return Cubes(hu, (z, y, x), np.zeros(3), step_mm)


def _fields(
    view: View, found: Found, net: Network, marks: dict[str, list[float]], courses: dict[str, list[float]]
) -> None:
    for number, name in enumerate(classes.FIELDS):
        true = view.field[number].astype(np.float32)
        if name in ARTERIES:
            on = true > _ON_COURSE
            if on.any():
                seen = net.reach_mm * (1 - np.clip(found.field[number][on], 0, 1))
                courses[name].append(float(np.median(seen)))
        elif true.max() > 0.9:
            away = _peak(true) - _peak(found.field[number])
            marks[name].append(float(np.linalg.norm(away)) * net.step_mm)


def _peak(field: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array(np.unravel_index(int(field.argmax()), field.shape), dtype=np.float64)
