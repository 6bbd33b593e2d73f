"""Calcium outside the coronary arteries and the valves: aortic wall, pericardium, nodes, lung, bronchi."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcium import Deposit, draw_density, straight
from scoring.phantom.chest import cavity_distance
from scoring.phantom.grid import Coordinates
from scoring.phantom.heart import sac_distance
from scoring.phantom.lungs import bronchi
from scoring.phantom.shapes import Curve
from scoring.phantom.thorax import Thorax

Points = NDArray[np.float64]
_TRIES: Final = 60
_LUNG_HU: Final = 868.0


Draw = Callable[[Thorax, np.random.Generator], Deposit]


def default(aorta: str, z: float, angle: float, sweep: float, radius: float, hu: float) -> Draw:
    """Return a draw of the plaque that every patient has in the same place of the ascending or descending aorta."""

    def draw(thorax: Thorax, rng: np.random.Generator) -> Deposit:
        del rng
        return _in_wall(thorax.ascending if aorta == "ascending" else thorax.descending, z, angle, sweep, radius, hu)

    return draw


def _in_wall(aorta: Curve, z: float, angle: float, sweep: float, radius: float, hu: float) -> Deposit:
    """Return an arc in the aortic wall at a height; angles in degrees, 0 to the left and 90 to the back."""
    order = np.argsort(aorta.points[:, 2])
    x, y = aorta.at_height(z)
    r = float(np.interp(z, aorta.points[order, 2], aorta.radii[order])) - 0.6
    turn = np.deg2rad(np.linspace(angle - sweep / 2, angle + sweep / 2, 24))
    line = np.stack([x + r * np.cos(turn), y + r * np.sin(turn), z + np.linspace(-1, 1, 24)], axis=1)
    return Deposit(line, radius, hu)


def aortic_plaque(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a plaque in the wall of the ascending or, more often, the descending aorta."""
    aorta, low, high = (thorax.ascending, 12.0, 55.0) if rng.random() < 0.35 else (thorax.descending, -110.0, 55.0)
    sweep, thick = rng.uniform(8, 80), rng.uniform(0.7, 1.8)
    return _in_wall(aorta, rng.uniform(low, high), rng.uniform(0, 360), sweep, thick, draw_density(rng))


def pericardium(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a narrow sheet on the pericardial sac, away from its upper end."""
    way = rng.normal((0.6, -0.5, -0.5), (0.6, 0.5, 0.4))
    way /= np.linalg.norm(way)
    along = np.cross(way, rng.normal(0, 1, 3))
    along /= np.linalg.norm(along)
    row = np.cross(way, along)
    half = rng.uniform(0.06, 0.28)
    ways = [
        way + np.sign(0.5 - k % 2) * t * along + 0.022 * k * row for k in range(3) for t in np.linspace(-half, half, 16)
    ]
    return Deposit(on_sac(thorax, np.array(ways), 1.2), rng.uniform(0.7, 1.4), draw_density(rng))


def on_sac(thorax: Thorax, ways: Points, outside: float) -> Points:
    """Return the points where rays (n, 3) from the centre of the heart are `outside` mm beyond the sac."""
    middle = thorax.heart_point((25, -12, -42))
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    far = np.arange(10, 120, 0.5)
    points = middle + ways[:, None] * far[None, :, None]
    over = sac_distance(thorax, Coordinates.of_points(points.reshape(-1, 3))).reshape(len(ways), -1) > outside
    return np.asarray(points[np.arange(len(ways)), np.argmax(over, axis=1)], dtype=np.float64)


def node(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a calcified lymph node beside the aorta or below the carina."""
    kind = rng.integers(3)
    if kind == 0:
        centre = np.array([6.0, 28.0, thorax.carina_z - rng.uniform(14, 26)])
    else:
        aorta = thorax.ascending if kind == 1 else thorax.descending
        z, angle = rng.uniform(16, 55), np.deg2rad(rng.uniform(170, 260) if kind == 1 else rng.uniform(-130, -50))
        r = (thorax.ascending_radius if kind == 1 else thorax.descending_radius) + rng.uniform(3.5, 7)
        x, y = aorta.at_height(z)
        centre = np.array([x + r * np.cos(angle), y + r * np.sin(angle), z])
    return _lump(centre, rng)


def hilar_node(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a calcified lymph node beside a large bronchus."""
    del thorax
    side = rng.choice((-1.0, 1.0))
    centre = np.array([side * rng.uniform(38, 54) + 6, rng.uniform(12, 36), rng.uniform(-8, 26)])
    return _lump(centre, rng)


def _lump(centre: Points, rng: np.random.Generator) -> Deposit:
    half = rng.normal(0, 1, 3)
    half *= rng.uniform(0.1, 3.0) / np.linalg.norm(half)
    return Deposit(straight(centre - half, centre + half), rng.uniform(0.9, 3.0), draw_density(rng))


def granuloma(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a granuloma in the lung, clear of heart and chest wall."""
    for _ in range(_TRIES):
        centre = np.array([rng.choice((-1.0, 1.0)) * rng.uniform(50, 110), rng.uniform(-35, 50), rng.uniform(-35, 45)])
        at = Coordinates.of_points(centre[None])
        if sac_distance(thorax, at)[0] > 6 and cavity_distance(thorax, at)[0] < -6:
            break
    return Deposit(centre[None], rng.uniform(1.2, 4.5), _LUNG_HU + draw_density(rng))


def bronchial_wall(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw part of a ring in a bronchial wall."""
    tube = bronchi(thorax)[int(rng.integers(1, 5))]
    k = int(rng.uniform(0.2, 0.8) * (len(tube.points) - 1))
    way = tube.points[k + 1] - tube.points[k]
    way /= np.linalg.norm(way)
    first = np.cross(way, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(way, first)
    start, sweep = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(50, 260))
    turn = np.linspace(start, start + sweep, 24)
    ring = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    return Deposit(tube.points[k] + (tube.radii[k] + 0.7) * ring, rng.uniform(0.5, 0.8), rng.uniform(450, 1000))
