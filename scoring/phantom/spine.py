"""The course of the spine from the neck to the lumbar region."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.phantom.grid import Floats
from scoring.phantom.habitus import Habitus
from scoring.phantom.shapes import Curve

_CANAL_MM = 8.5


@lru_cache(maxsize=4)
def course(habitus: Habitus) -> Curve:
    """Return the centres of the vertebral bodies from the neck down, with the radius of the canal."""
    neck = Curve.through([(0, 36, 205), (0, 42, 170), (0, 52, 130), (0, 58.5, 103)], _CANAL_MM)
    chest = Curve.through([(0, 59, 100), (0, 63, 30), (0, 63, -50), (0, 59, -160)], _CANAL_MM)
    lumbar = Curve.through([(0, 58.5, -163), (0, 53, -200), (0, 44, -265)], _CANAL_MM)
    straight = neck.joined(chest).joined(lumbar)
    x, y = bend(habitus, straight.points[:, 2])
    return straight.moved(np.stack([x, y, np.zeros_like(x)], axis=1))


def bend(habitus: Habitus, z: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the offset (x, y) of the spine from a straight one at a height."""
    z = np.asarray(z, dtype=np.float64)
    x = habitus.scoliosis * np.sin(z / 75 + habitus.scoliosis_phase)
    # Kyphosis is greatest between the scapulae; a stoop moves everything above the heart forward.
    y = habitus.kyphosis * (np.exp(-(((z - 30) / 90) ** 2)) - 0.6) - habitus.stoop * np.clip(z, -60, 160)
    return x, y


def bend_at(habitus: Habitus, z: Floats) -> tuple[Floats, Floats]:
    """Return `bend` in single precision, for grids."""
    x, y = bend(habitus, z)
    return x.astype(np.float32), y.astype(np.float32)


def follow_spine(habitus: Habitus, knots: ArrayLike) -> NDArray[np.float64]:
    """Move knots (n, 3) of a structure in front of the cervical spine along with it; below the neck they stay."""
    p = np.array(knots, dtype=np.float64)
    x, y = bend(habitus, p[:, 2])
    share = np.clip((p[:, 2] - 60) / 60, 0, 1)
    p[:, 0] += share * x
    p[:, 1] += share * y
    return p
