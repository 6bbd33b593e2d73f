"""Metrics of a net on held-out bodies, as stated in the model card and checked by the tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.isotropic import Cubes
from scoring.anatomy.network import Found, Kind, Network
from scoring.images.volume import AIR_HU
from scoring.phantom.shapes import stream
from scoring.result import ARTERIES
from training import classes
from training.body import Body
from training.view import View, draw

FIRST_SEED: Final = 90_000
"""Bodies from here on are never used for training; phantoms from 100,000 on measure the whole engine."""

_IGNORED: Final = 255
_ON_COURSE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Metrics:
    """Mean Dice per class, median error of each landmark in mm, and median error of the courses in mm, over views.

    `course_mm` is the distance that the net sees on the true course of each artery.
    """

    dice: dict[str, float]
    landmark_mm: dict[str, float]
    course_mm: dict[str, float]


def measure(net: Network, kind: Kind, seeds: Iterable[int]) -> Metrics:
    """Measure a net on one view of the body of each seed."""
    dice: dict[str, list[float]] = {name: [] for name in net.classes}
    marks: dict[str, list[float]] = {name: [] for name in classes.LANDMARKS}
    courses: dict[str, list[float]] = {name: [] for name in ARTERIES}
    for seed in seeds:
        view = draw(Body.paint(seed, kind), kind, stream(seed, "metrics"))
        predicted = net.find(_cubes(view, net.step_mm))
        for number, name in enumerate(net.classes):
            true, labelled = view.label == number, (predicted.label == number) & (view.label != _IGNORED)
            if true.sum() > 50:
                dice[name].append(float(2 * (true & labelled).sum() / (true.sum() + labelled.sum())))
        if kind == "heart":
            _add_field_errors(view, predicted, net, marks, courses)
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


def _add_field_errors(
    view: View, predicted: Found, net: Network, marks: dict[str, list[float]], courses: dict[str, list[float]]
) -> None:
    for number, name in enumerate(classes.FIELDS):
        true = view.field[number].astype(np.float32)
        if name in ARTERIES:
            on = true > _ON_COURSE
            if on.any():
                distance = net.reach_mm * (1 - np.clip(predicted.field[number][on], 0, 1))
                courses[name].append(float(np.median(distance)))
        elif true.max() > 0.9:
            away = _peak(true) - _peak(predicted.field[number])
            marks[name].append(float(np.linalg.norm(away)) * net.step_mm)


def _peak(field: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array(np.unravel_index(int(field.argmax()), field.shape), dtype=np.float64)
