"""The aortic root: the lower end of the ascending aorta, which leans and carries the ostia on its wall.

The plane of the annulus lies 49 (SD 9) degrees off the horizontal in the old (Int J Cardiol 2021;338:58), less in the
young. That lean, more than the places of the sinuses, sets the left ostium high and the right one low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.phantom.grid import Coordinates, Floats, Grid
from scoring.phantom.shapes import Curve, stream

VALVE: Final = (14.0, -10.0, -23.0)
"""Centre of the aortic valve in the average heart."""

TOP_Z: Final = 14.0
"""From this height the aorta rises almost upright."""

_TILT_DEG, _TILT_SD = 39.0, 9.0
_TILT_LIMITS: Final = (15.0, 65.0)
_WAY_DEG, _WAY_SD = 31.0, 16.0
_UPRIGHT, _UPRIGHT_DEG = 0.1, (8.0, 22.0)
"""Share of the bodies whose root is nearly upright, and how far it still leans."""


LEFT_WAY: Final = (0.618, 0.475, 0.628)
RIGHT_WAY: Final = (0.012, -0.927, -0.378)
"""From the axis of the average root to the left and the right ostium."""


@dataclass(frozen=True, slots=True)
class Lean:
    """How the root leans, degrees: `tilt` off the vertical, upper end to the right; `way` from there to the front."""

    tilt: float = _TILT_DEG
    way: float = _WAY_DEG

    @classmethod
    def draw(cls, seed: int, variation: float) -> Self:
        """Draw the lean of a seed; `variation` up to 1 widens the range."""
        rng = stream(seed, "aortic root")
        tilt = float(np.clip(rng.normal(_TILT_DEG, _TILT_SD), *_TILT_LIMITS))
        upright = float(rng.uniform(*_UPRIGHT_DEG))
        if rng.random() < _UPRIGHT:
            tilt = upright
        return cls(_TILT_DEG + variation * (tilt - _TILT_DEG), _WAY_DEG + variation * float(rng.normal(0, _WAY_SD)))

    @property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector from the valve upwards."""
        tilt, way = np.deg2rad(self.tilt), np.deg2rad(self.way)
        return np.array([-np.sin(tilt) * np.cos(way), -np.sin(tilt) * np.sin(way), np.cos(tilt)])


ORDINARY_LEAN: Final = Lean()


@dataclass(frozen=True, slots=True)
class Root:
    """The leaning part of the ascending aorta, thorax frame, mm: centre of the valve, axis upwards, lumen."""

    valve: NDArray[np.float64]
    axis: NDArray[np.float64]
    lumen: Curve

    def on_wall(self, up: float, out: ArrayLike, inside: float = 0.0) -> NDArray[np.float64]:
        """Return the point on the wall `up` mm above the valve along the axis, in a direction across the axis."""
        centre = self.valve + up * self.axis
        radius = float(self.lumen.radii[int(np.argmin(np.linalg.norm(self.lumen.points - centre, axis=1)))])
        way = np.asarray(out, dtype=np.float64) - np.dot(out, self.axis) * self.axis
        return np.asarray(centre + way / np.linalg.norm(way) * (radius - inside), dtype=np.float64)

    def across(self, turn: ArrayLike) -> NDArray[np.float64]:
        """Return unit vectors (..., 3) across the axis at angles in radians."""
        first = np.cross(self.axis, [0.0, 1.0, 0.0])
        first /= np.linalg.norm(first)
        t = np.asarray(turn, dtype=np.float64)[..., None]
        return np.asarray(np.cos(t) * first + np.sin(t) * np.cross(self.axis, first))

    def distance(self, grid: Grid) -> Floats:
        """Return the distance to the lumen above the plane of the valve; `FAR` further away."""
        return np.asarray(
            np.maximum(self.lumen.tube(grid, 14), np.float32(-1) - self._height(grid.coordinates())), dtype=np.float32
        )

    def _height(self, at: Coordinates) -> Floats:
        (a, b, c), (x, y, z) = self.axis.astype(np.float32), self.valve.astype(np.float32)
        return np.asarray(a * (at.x - x) + b * (at.y - y) + c * (at.z - z), dtype=np.float32)
