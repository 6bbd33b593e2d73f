"""Where a calcification would belong to an artery, to the aortic root or to the mitral annulus: distances to them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.annulus import Annulus
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.grid import Grid
from scoring.phantom.thorax import Thorax
from scoring.result import ARTERIES

Points = NDArray[np.float64]

REACH_MM: Final = 15.9
UNIT_MM: Final = 1 / 16
"""Distances are stored in sixteenths of a millimetre, up to the reach."""

_EVERY: Final = 3
_EVERY_OF_RING: Final = 4
_ALONG, _ROUND = 2, 24
_IN_VALVE: Final = (0.35, 0.7)
_ANNULUS_MM: Final = 17.0
"""Radius of the mitral annulus in the average heart."""


def measure_distances(thorax: Thorax, tree: CoronaryTree, grid: Grid) -> NDArray[np.uint8]:
    """Return how far LM, LAD, LCX, RCA, root and annulus are: uint8 (6, z, y, x) in `UNIT_MM`."""
    lines = [tree.lines(artery)[::_EVERY] for artery in ARTERIES]
    return np.stack([_near(points, grid) for points in (*lines, _root(thorax), _annulus(thorax))])


def _root(thorax: Thorax) -> Points:
    """Return points on the wall of the ascending aorta from the valve upwards, and on the valve itself."""
    curve = thorax.ascending
    along = np.gradient(curve.points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, [0.0, 1.0, 0.0])
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    other = np.cross(along, aside)
    turn = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)
    unit = np.cos(turn)[:, None, None] * aside + np.sin(turn)[:, None, None] * other
    wall = curve.points + curve.radii[:, None] * unit
    first = int(np.argmin(np.linalg.norm(curve.points - thorax.valve, axis=1)))
    valve = [thorax.valve + share * curve.radii[first] * unit[:, first] for share in _IN_VALVE]
    return np.concatenate([wall[:, first::_ALONG].reshape(-1, 3), *valve, thorax.valve[None]])


def _annulus(thorax: Thorax) -> Points:
    """Return points on the ring of the mitral valve, about 2 mm apart."""
    return Annulus.of(thorax, _ANNULUS_MM).line(0.0, 2 * np.pi)[::_EVERY_OF_RING]


def _near(points: Points, grid: Grid) -> NDArray[np.uint8]:
    """Return the distance to the nearest of some points (n, 3), up to the reach."""
    origin = np.array([grid.z[0], grid.y[0], grid.x[0]])
    step = float(grid.x[1] - grid.x[0])
    place = ((points[:, ::-1] - origin) / step).astype(np.float32)
    side = int(np.ceil(REACH_MM / step))
    line = np.arange(-side, side + 1)
    offsets = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    offsets = offsets[np.linalg.norm(offsets, axis=1) * step < REACH_MM + step]
    nearest = np.full(grid.shape, REACH_MM / step, np.float32)
    first = np.rint(place).astype(np.intp)
    shape = np.array(grid.shape)
    for offset in offsets:
        index = first + offset
        inside = ((index >= 0) & (index < shape)).all(axis=1)
        z, y, x = index[inside].T
        np.minimum.at(nearest, (z, y, x), np.sqrt(((index[inside] - place[inside]) ** 2).sum(axis=1)))
    return np.asarray(np.rint(nearest * step / UNIT_MM).clip(0, 255), np.uint8)
