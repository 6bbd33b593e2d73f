"""The course of a coronary artery from its start over the heart, through knots that are moved into the fat."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from scoring.phantom.courses import Plan
from scoring.phantom.shapes import Curve
from scoring.phantom.surface import move_into_fat
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

_EARLY_FREE: Final = 0.85
"""How little a circumflex follows the surface that descends early."""

_CALMER: Final = (1.0, 0.7, 0.4, 0.0)
_BESIDE_MM, _CLEAR_MM = (40.0, 85.0), 34.0
"""Between these distances along the right artery it keeps this far from the valve; if not it is drawn calmer."""

_FREE: Final[dict[Artery, tuple[int, float]]] = {"LAD": (3, 24.0), "LCX": (2, 8.0), "RCA": (2, 14.0)}
"""The first knots, and mm, of an artery that do not lie on the heart yet."""

_FIRST_MM: Final = 4.0
_ONWARD: Final[dict[Artery, float]] = {"LAD": 0.3, "LCX": 0.15}
_NEAREST_KNOT_MM, _RISE_MM, _SMOOTH = 3.5, 18.0, 3.0
_SHALLOW_MM, _SHALLOW_FROM, _SHALLOW_TO = 5.0, 75.0, 105.0
"""On the underside of the heart an artery is no deeper than this: between these distances along it, it rises."""


def grow_course(
    thorax: Thorax,
    plan: Plan,
    left_main: Curve,
    artery: Artery,
    start: NDArray[np.float64],
    depth: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the course (n, 3) of LAD, LCX or RCA; one that would pass below the root is drawn again, with less."""
    pull = 1 - _EARLY_FREE * plan.early if artery == "LCX" else 1.0
    for share in _CALMER:
        knots = replace(plan, width=share * plan.width).draw_knots(thorax, artery, start, rng)
        if artery != "RCA":
            knots = _add_first(left_main, knots, _ONWARD[artery])
        course = _grow_over_heart(thorax, artery, start, knots, depth, pull)
        if artery != "RCA" or not _passes_below_root(thorax, course):
            break
    return course


def _passes_below_root(thorax: Thorax, course: NDArray[np.float64]) -> bool:
    s = travelled(course)
    part = course[(s > _BESIDE_MM[0]) & (s < _BESIDE_MM[1])]
    return bool(np.linalg.norm(part - thorax.valve, axis=1).min() < _CLEAR_MM * thorax.heart_scale)


def _add_first(left_main: Curve, knots: NDArray[np.float64], onward: float) -> NDArray[np.float64]:
    """Add a first knot, which leads an artery out of the left main before it bends to its own course."""
    start = left_main.points[-1]
    before, after = start - left_main.points[0], knots[0] - start
    way = onward * before / np.linalg.norm(before) + (1 - onward) * after / np.linalg.norm(after)
    return np.vstack([start + _FIRST_MM * way / np.linalg.norm(way), knots])


def _grow_over_heart(
    thorax: Thorax, artery: Artery, start: NDArray[np.float64], knots: NDArray[np.float64], depth: float, pull: float
) -> NDArray[np.float64]:
    """Return a course (n, 3) from its start through knots that are moved into the fat."""
    free, rise = _FREE[artery]
    knots = knots.copy()
    below = _depths(travelled(np.vstack([start, knots]))[1:], depth, artery)[free:]
    knots[free:] += pull * (move_into_fat(thorax, knots[free:], below, artery) - knots[free:])
    knots = knots[np.linalg.norm(knots - start, axis=1) >= _NEAREST_KNOT_MM]
    points = Curve.through(np.vstack([start, knots]), 1.0, step=0.5).points
    # The first centimetres lead from the root to the surface.
    s = travelled(points)
    share = pull * np.clip((s - rise) / _RISE_MM, 0, 1)[:, None]
    points = points + share * (move_into_fat(thorax, points, _depths(s, depth, artery), artery) - points)
    points = gaussian_filter1d(points, _SMOOTH, axis=0, mode="nearest")
    points[0] = start
    return np.asarray(points)


def _depths(s: NDArray[np.float64], depth: float, artery: Artery) -> NDArray[np.float64]:
    """Return the depth at distances (n) along an artery."""
    if artery != "RCA" or depth < _SHALLOW_MM:
        return np.full(len(s), depth)
    return np.asarray(np.interp(s, [_SHALLOW_FROM, _SHALLOW_TO], [depth, _SHALLOW_MM]))


def travelled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far along a polyline (n, 3) each of its points lies."""
    return np.asarray(np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
