"""The surface of the heart: points moved into its fat and into the clefts between the chambers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.grid import Coordinates
from scoring.phantom.heart import GROOVES, cleft, sac_distance
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

_ROUNDS: Final = 7
_CLEFT_FROM_MM, _CLEFT_STEP_MM = 3.5, 0.9
"""Arteries deeper than this are drawn towards the middle of their cleft, by at most so much a round."""

_ASIDE: Final = np.vstack([np.zeros(3), 0.5 * np.eye(3), -0.5 * np.eye(3)])


def move_into_fat(
    thorax: Thorax, points: NDArray[np.float64], depth: float | NDArray[np.float64], artery: Artery | None = None
) -> NDArray[np.float64]:
    """Move points (n, 3) along the surface normal until they lie `depth` mm (or (n)) below the surface of the fat.

    Those of a deep artery move towards the middle of the cleft between its two chambers as well.
    """
    p = np.asarray(points, dtype=np.float64).copy()
    most = float(np.max(depth))
    for number in range(_ROUNDS):
        if artery in GROOVES and most > _CLEFT_FROM_MM and number < _ROUNDS - 2:
            p += min(1, (most - _CLEFT_FROM_MM) / 3) * _way_to_cleft(thorax, p, artery)
        here, slope = _sample(sac_distance(thorax, _around(p)))
        steep = np.maximum((slope**2).sum(1), 0.2)
        p -= ((here + depth) / steep)[:, None] * slope
    return p


def _way_to_cleft(thorax: Thorax, p: NDArray[np.float64], artery: Artery) -> NDArray[np.float64]:
    off, slope = _sample(cleft(thorax, _around(p), artery))
    move = -(off / np.maximum((slope**2).sum(1), 0.4))[:, None] * slope
    size = np.linalg.norm(move, axis=1, keepdims=True)
    return np.asarray(move * np.minimum(1, _CLEFT_STEP_MM / np.maximum(size, 1e-6)))


def _around(p: NDArray[np.float64]) -> Coordinates:
    return Coordinates.of_points((p[None] + _ASIDE[:, None]).reshape(-1, 3))


def _sample(distance: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return value (n,) and gradient (n, 3) at points from values at them and half a millimetre beside them."""
    values = distance.astype(np.float64).reshape(len(_ASIDE), -1)
    return values[0], (values[1:4] - values[4:]).T
