"""A regular grid of points in the thorax, and boxes on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Box = tuple[slice, slice, slice]
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Positions at which a shape is evaluated: three arrays in mm that broadcast to one shape."""

    x: Floats
    y: Floats
    z: Floats

    @classmethod
    def of_points(cls, points: NDArray[np.float64]) -> Self:
        """Return the coordinates of points (n, 3) given as x, y, z."""
        x, y, z = np.asarray(points, dtype=np.float32).T
        return cls(x, y, z)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a result evaluated at these positions."""
        return np.broadcast_shapes(self.x.shape, self.y.shape, self.z.shape)


@dataclass(frozen=True, slots=True)
class Grid:
    """Points of a rectilinear grid: one ascending array in mm for each axis, thorax frame."""

    z: Floats
    y: Floats
    x: Floats

    @classmethod
    def covering(cls, low: Point, high: Point, step: Point) -> Self:
        """Return the grid with `step` (x, y, z) that covers the box `low`..`high` (x, y, z).

        Its points are whole multiples of the step, so two grids with the same step share their points.
        """
        x, y, z = (
            (np.arange(np.floor(a / s), np.ceil(b / s) + 1) * s).astype(np.float32)
            for a, b, s in zip(low, high, step, strict=True)
        )
        return cls(z, y, x)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of points along z, y, x."""
        return len(self.z), len(self.y), len(self.x)

    @property
    def whole(self) -> Box:
        """The box of all points."""
        return slice(0, len(self.z)), slice(0, len(self.y)), slice(0, len(self.x))

    def slabs(self, planes: int = 12) -> Iterator[tuple[slice, Grid]]:
        """Cut the grid across z into thin slabs that fit the processor cache; yield the planes and grid of each."""
        edges = np.linspace(0, len(self.z), max(1, len(self.z) // planes) + 1).astype(int)
        for first, stop in pairwise(edges):
            where = slice(int(first), int(stop))
            yield where, Grid(self.z[where], self.y, self.x)

    def coordinates(self, box: Box | None = None) -> Coordinates:
        """Return the coordinates of the points in a box, in the order (z, y, x)."""
        b = box or self.whole
        return Coordinates(self.x[b[2]][None, None, :], self.y[b[1]][None, :, None], self.z[b[0]][:, None, None])

    def box(self, low: Point | NDArray[np.float64], high: Point | NDArray[np.float64]) -> Box:
        """Return the box of the points between `low` and `high` (x, y, z); it may be empty."""
        x, y, z = (
            slice(int(np.searchsorted(axis, a)), int(np.searchsorted(axis, b, side="right")))
            for axis, a, b in zip((self.x, self.y, self.z), low, high, strict=True)
        )
        return z, y, x


def is_empty(box: Box) -> bool:
    """Return whether a box contains no points."""
    return any(s.stop <= s.start for s in box)
