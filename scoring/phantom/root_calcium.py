"""Calcium of the aortic root: its wall with the sinuses, beside the coronary origins, and the valve."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcium import Deposit, draw_density, straight
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.root import Root
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

Points = NDArray[np.float64]
_HEART_MOVES: Final = 0.6
_WALL_MM: Final = 0.6
_STEP_MM: Final = 0.3
_HEIGHTS_MM: Final = (2.0, 25.0)
_LEFT: Final = 0.6
_AWAY_MM: Final = (1.5, 6.5)
_CUSPS: Final = 3


def plaque(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a plaque in the wall between the valve and the ascending aorta."""
    sweep, up = np.deg2rad(rng.uniform(8, 60)), rng.uniform(*_HEIGHTS_MM)
    length = sweep * thorax.ascending_radius
    line = _patch(thorax, up, rng.uniform(0, 2 * np.pi), rng.normal(0, 0.4), length)
    return Deposit(line, rng.uniform(0.6, 1.6), draw_density(rng))


def beside_origin(thorax: Thorax, tree: CoronaryTree, rng: np.random.Generator) -> Deposit:
    """Draw a plaque in the wall of the root within 6.5 mm of the origin of the left or the right coronary artery."""
    artery: Artery = "LM" if rng.random() < _LEFT else "RCA"
    up, turn = _position(thorax.root, tree.arteries[artery].points[0])
    away, to = rng.uniform(*_AWAY_MM), rng.uniform(0, 2 * np.pi)
    up, turn = up + away * np.sin(to), turn + away * np.cos(to) / thorax.ascending_radius
    # The plaque goes round the origin rather than into it.
    line = _patch(thorax, up, turn, to + np.pi / 2 + rng.normal(0, 0.4), rng.uniform(0.5, 9))
    return Deposit(line, rng.uniform(0.5, 1.4), draw_density(rng))


def ring(thorax: Thorax, rng: np.random.Generator, severity: float) -> list[Deposit]:
    """Draw a ring of plaques around the root, in the sinuses or at their upper border."""
    up, left = rng.uniform(6, 24), np.deg2rad(90 + 200 * severity + rng.uniform(0, 50))
    turn = rng.uniform(0, 2 * np.pi)
    parts = []
    while left > 0:
        sweep, gap = rng.uniform(0.15, 0.9), rng.uniform(0.1, 0.6)
        length = sweep * thorax.ascending_radius
        line = _patch(thorax, up + rng.normal(0, 1.5), turn, rng.normal(0, 0.2), length)
        parts.append(Deposit(line, rng.uniform(0.6, 1.0 + 0.8 * severity), draw_density(rng)))
        turn, left = turn + sweep + gap, left - sweep - gap
    return parts


def valve(thorax: Thorax, rng: np.random.Generator, severity: float) -> list[Deposit]:
    """Draw calcium on the cusps of the aortic valve, from specks to lumps that fill it."""
    root, start = thorax.root, rng.uniform(0, 2 * np.pi)
    parts = []
    for _ in range(int(rng.integers(1, 3 + round(7 * severity)))):
        angle = start + 2 * np.pi / _CUSPS * rng.integers(_CUSPS) + np.deg2rad(rng.uniform(-45, 45))
        reach = rng.uniform((0.1, 0.4), (0.4, 0.95)) * 0.85 * thorax.ascending_radius
        ends = root.valve + np.outer(reach, root.across(angle)) + rng.uniform(-1, 6) * root.axis
        parts.append(Deposit(straight(*ends), rng.uniform(0.6, 1.2 + 1.8 * severity), draw_density(rng), _HEART_MOVES))
    return parts


def _position(root: Root, point: Points) -> tuple[float, float]:
    """Return where a point lies on the wall: mm above the valve along the axis, angle about it (rad)."""
    across = root.across([0.0, np.pi / 2]) @ (point - root.valve)
    return float((point - root.valve) @ root.axis), float(np.arctan2(across[1], across[0]))


def _patch(thorax: Thorax, up: float, turn: float, way: float, length: float) -> Points:
    """Return a line of `length` mm on the wall through a position; `way` is 0 across the axis, pi / 2 along it."""
    steps = np.linspace(-length / 2, length / 2, max(2, round(length / _STEP_MM)))
    root = thorax.root
    ways = root.across(turn + steps * np.cos(way) / thorax.ascending_radius)
    return np.array([root.on_wall(up + s * np.sin(way), w, _WALL_MM) for s, w in zip(steps, ways, strict=True)])
