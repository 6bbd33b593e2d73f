"""Metrics of nets on held-out bodies, as stated in the model card and checked by the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.isotropic import Cubes
from scoring.anatomy.network import Found, Kind
from scoring.phantom.shapes import stream
from training import classes
from training.body import Body
from training.pool import Held
from training.view import IGNORED, Views, draw

_SURE: Final = 0.9
_AT_DEPOSIT: Final = 0.5
_VISIBLE: Final = 0.9
_FEWEST: Final = 50


class Finder(Protocol):
    """What finds classes, places and landmarks in an image."""

    step_mm: float
    classes: tuple[str, ...]

    def find(self, image: Cubes) -> Found:
        """Find them."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Means over views: Dice per class, errors of the landmarks in mm (median), and what is said of the places.

    `place` is the probability given to the true place where it is sure, `deposit` the share of the voxels of deposits
    whose likeliest place is the true one.
    """

    dice: dict[str, float]
    landmark_mm: dict[str, float]
    place: dict[str, float]
    deposit: dict[str, float]


def measure(net: Finder, kind: Kind, bodies: Iterable[Body], mapper: Callable[..., Iterable[Any]] = map) -> Metrics:
    """Measure a net on one view of each body."""
    rows = list(mapper(lambda item: _measure_view(net, kind, item[1], item[0]), enumerate(bodies)))

    def gathered(part: str, middle: Callable[[list[float]], Any]) -> dict[str, float]:
        names = {name: None for row in rows for name in row[part]}
        return {name: float(middle([row[part][name] for row in rows if name in row[part]])) for name in names}

    return Metrics(
        dice=gathered("dice", np.mean),
        landmark_mm=gathered("landmark_mm", np.median),
        place=gathered("place", np.mean),
        deposit=gathered("deposit", np.mean),
    )


def table(metrics: Metrics, kind: Kind) -> str:
    """Return the metrics as Markdown."""
    lines = [f"| {kind} | |", "| --- | --- |"]
    lines += [f"| Dice, {name} | {value:.2f} |" for name, value in metrics.dice.items()]
    lines += [f"| {name}, mm off | {value:.1f} |" for name, value in metrics.landmark_mm.items()]
    lines += [f"| probability at {name} | {value:.2f} |" for name, value in metrics.place.items()]
    lines += [f"| deposits of {name} rightly named | {value:.2f} |" for name, value in metrics.deposit.items()]
    return "\n".join(lines) + "\n"


def _measure_view(net: Finder, kind: Kind, body: Body, number: int) -> dict[str, dict[str, float]]:
    view = draw([Held.of(body, "cpu")], kind, stream(number, "metrics"))
    hu = view.hu[0].numpy()
    found = net.find(Cubes(hu, (hu.shape[0], hu.shape[1], hu.shape[2]), np.zeros(3), net.step_mm))
    label = view.label[0].numpy()
    rows: dict[str, dict[str, float]] = {"dice": {}, "landmark_mm": {}, "place": {}, "deposit": {}}
    for index, name in enumerate(net.classes):
        true, labelled = label == index, (found.label == index) & (label != IGNORED)
        if true.sum() > _FEWEST:
            rows["dice"][name] = float(2 * (true & labelled).sum() / (true.sum() + labelled.sum()))
    if kind == "heart":
        _add_heart(view, found, net.step_mm, rows)
    return rows


def _add_heart(view: Views, found: Found, step_mm: float, rows: dict[str, dict[str, float]]) -> None:
    for index, name in enumerate(classes.LANDMARKS):
        true = view.spot[0, index].numpy()
        if true.sum() > _VISIBLE and name in found.landmarks:
            away = _peak(true) - _peak(found.spot[found.landmarks.index(name)])
            rows["landmark_mm"][name] = float(np.linalg.norm(away)) * step_mm
    known = view.label[0].numpy() != IGNORED
    true, at = view.place[0].numpy(), (view.sure[0].numpy() > _AT_DEPOSIT) & known
    likeliest = np.array([classes.PLACES.index(name) for name in found.places])[found.place.argmax(axis=0)]
    for index, name in enumerate(classes.PLACES):
        sure = (true[index] > _SURE) & known
        if sure.sum() > _FEWEST and name in found.places:
            rows["place"][name] = float(found.place[found.places.index(name)][sure].mean())
        here = at & (true.argmax(axis=0) == index)
        if here.any():
            rows["deposit"][name] = float((likeliest[here] == index).mean())


def _peak(field: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array(np.unravel_index(int(field.argmax()), field.shape), dtype=np.float64)
