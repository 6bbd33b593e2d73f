"""Signed distances to simple bodies (mm, negative inside) and smooth random fields."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from scoring.phantom.grid import Box, Coordinates, Floats, Grid, is_empty

FAR: Final = np.float32(99.0)
"""Distance returned where a body is too far away to matter."""


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random generator for one part of the body, independent of all other parts."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@lru_cache(maxsize=64)
def smooth_field(seed: int, name: str, pitch: float) -> SmoothField:
    """Return the random field of one part of the body, smooth over `pitch` mm."""
    return SmoothField.draw(stream(seed, name), pitch)


def ellipsoid(at: Coordinates, centre: ArrayLike, semi: ArrayLike, rows: NDArray[np.float64] | None = None) -> Floats:
    """Return the first-order distance to an ellipsoid whose axes are the rows of `rows`, or the grid axes."""
    cx, cy, cz = np.asarray(centre, dtype=np.float32)
    x, y, z = at.x - cx, at.y - cy, at.z - cz
    if rows is None:
        along = [x, y, z]
    else:
        along = [np.float32(r[0]) * x + np.float32(r[1]) * y + np.float32(r[2]) * z for r in rows]
    near = np.float32(1e-6)
    level: Floats = near + np.zeros((), np.float32)
    slope: Floats = near + np.zeros((), np.float32)
    for d, a in zip(along, np.asarray(semi, dtype=np.float32), strict=True):
        unit = d / a
        level = level + unit * unit
        slope = slope + (unit / a) ** 2
    root = np.sqrt(level)
    return np.asarray(root * (root - 1) / np.sqrt(slope), dtype=np.float32)


def smooth_union(a: Floats, b: Floats, blend: float) -> Floats:
    """Return the distance to two bodies joined with a fillet of about `blend` mm."""
    k = np.float32(blend)
    h = np.asarray(a - b, dtype=np.float32)
    np.abs(h, out=h)
    np.subtract(k, h, out=h)
    np.maximum(h, 0, out=h)
    h *= h
    h *= np.float32(0.25) / k
    np.subtract(np.minimum(a, b), h, out=h)
    return h


def rounded_box(a: Floats, b: Floats, radius: float) -> Floats:
    """Return the distance to the body a <= 0, b <= 0 (two perpendicular distances) with rounded edges."""
    outside = np.hypot(np.maximum(a, -radius) + radius, np.maximum(b, -radius) + radius)
    return np.asarray(outside + np.minimum(np.maximum(a, b) + radius, 0) - radius, dtype=np.float32)


def capsule(at: Coordinates, start: ArrayLike, end: ArrayLike, radii: tuple[float, float]) -> Floats:
    """Return the distance to a straight rod whose radius changes linearly from one end to the other."""
    a = np.asarray(start, dtype=np.float32)
    way = np.asarray(end, dtype=np.float32) - a
    x, y, z = at.x - a[0], at.y - a[1], at.z - a[2]
    t = np.clip((x * way[0] + y * way[1] + z * way[2]) / np.float32(way @ way), 0, 1)
    d = np.sqrt((x - t * way[0]) ** 2 + (y - t * way[1]) ** 2 + (z - t * way[2]) ** 2)
    return np.asarray(d - np.float32(radii[0]) - np.float32(radii[1] - radii[0]) * t, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Curve:
    """A smooth curve with a radius: `points` (n, 3) in mm at equal steps, `radii` (n)."""

    points: NDArray[np.float64]
    radii: NDArray[np.float64]

    @classmethod
    def through(cls, knots: ArrayLike, radii: ArrayLike, step: float = 1.5) -> Self:
        """Fit a curve through `knots` (k, 3), resampled about every `step` mm."""
        p = np.asarray(knots, dtype=np.float64)
        r = np.broadcast_to(np.asarray(radii, dtype=np.float64), len(p))
        s = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))]
        t = np.linspace(0, s[-1], max(2, round(s[-1] / step) + 1))
        shape = CubicSpline(s, p) if len(p) > 2 else PchipInterpolator(s, p)
        return cls(np.asarray(shape(t)), np.asarray(PchipInterpolator(s, r)(t)))

    def tube(self, grid: Grid, reach: float, extra: float = 0.0) -> Floats:
        """Return the distance to the tube on the whole grid; `FAR` beyond `reach` mm."""
        field = np.full(grid.shape, FAR, dtype=np.float32)
        for p, r in zip(self.points, self.radii, strict=True):
            size = r + extra + reach
            box = grid.box(p - size, p + size)
            if is_empty(box):
                continue
            at = grid.coordinates(box)
            x, y, z = (np.float32(v) for v in p)
            d = np.sqrt((at.x - x) ** 2 + ((at.y - y) ** 2 + (at.z - z) ** 2)) - np.float32(r + extra)
            np.minimum(field[box], d, out=field[box])
        return field

    def near(self, grid: Grid, reach: float) -> tuple[Box, Floats]:
        """Return the box within `reach` mm of the tube, possibly empty, and the distance to the tube in it."""
        size = (self.radii + reach)[:, None]
        box = grid.box((self.points - size).min(0), (self.points + size).max(0))
        if is_empty(box):
            return box, np.zeros([max(0, s.stop - s.start) for s in box], dtype=np.float32)
        z, y, x = box
        part = Grid(grid.z[z], grid.y[y], grid.x[x])
        return box, self.tube(part, reach)

    def joined(self, other: Curve) -> Curve:
        """Return this curve followed by another one."""
        return Curve(np.concatenate([self.points, other.points]), np.concatenate([self.radii, other.radii]))

    def moved(self, shift: NDArray[np.float64]) -> Curve:
        """Return the curve with `shift` (n, 3) mm added to its points."""
        return Curve(self.points + shift, self.radii)

    def column(self, at: Coordinates) -> Floats:
        """Return the distance in the axial plane to a curve that rises along z (faster than `tube`)."""
        order = np.argsort(self.points[:, 2])
        z = self.points[order, 2]
        cx, cy, r = (
            np.interp(at.z, z, v[order]).astype(np.float32) for v in (self.points[:, 0], self.points[:, 1], self.radii)
        )
        return np.asarray(np.hypot(at.x - cx, at.y - cy) - r, dtype=np.float32)

    def at_height(self, z: float) -> tuple[float, float]:
        """Return (x, y) at a height of a curve that rises along z."""
        order = np.argsort(self.points[:, 2])
        h = self.points[order, 2]
        return float(np.interp(z, h, self.points[order, 0])), float(np.interp(z, h, self.points[order, 1]))


_LOW: Final = (-220.0, -150.0, -160.0)
_HIGH: Final = (220.0, 170.0, 100.0)
"""The chest: the part of a field whose random numbers are drawn first."""

_BEYOND: Final = ((-240.0, -170.0, -270.0), (240.0, 200.0, 210.0))
"""The whole body, neck to kidneys: numbers for the part outside the chest are drawn after those for the chest."""


@dataclass(frozen=True, slots=True)
class SmoothField:
    """A random field, smooth over `pitch` mm, SD about 1: a cubic B-spline of normal numbers on a lattice.

    It is fixed in the thorax, so every grid samples the same field.
    """

    lattice: Floats
    pitch: float

    @classmethod
    def draw(cls, rng: np.random.Generator, pitch: float) -> Self:
        """Draw a new field from a generator."""
        chest = [int(np.ceil((b - a) / pitch)) + 4 for a, b in zip(_LOW, _HIGH, strict=True)]
        before = _steps_before(pitch)
        after = [int(np.ceil((c - b) / pitch)) for b, c in zip(_HIGH, _BEYOND[1], strict=True)]
        inner = rng.standard_normal(chest[::-1], dtype=np.float32)
        whole = [b + n + a for b, n, a in zip(before, chest, after, strict=True)]
        lattice = rng.standard_normal(whole[::-1], dtype=np.float32)
        lattice[tuple(slice(b, b + n) for b, n in zip(before[::-1], chest[::-1], strict=True))] = inner
        # A cubic B-spline of independent normals has an SD of about 0.33 in three dimensions.
        return cls(lattice * np.float32(3.0), pitch)

    def on(self, grid: Grid) -> Floats:
        """Sample the field on a grid, shape (z, y, x)."""
        field = self.lattice
        before = _steps_before(self.pitch)[::-1]
        for axis, (line, low) in enumerate(zip((grid.z, grid.y, grid.x), _LOW[::-1], strict=True)):
            weights = spline_weights((line - low) / self.pitch + (1 + before[axis]), self.lattice.shape[axis])
            field = np.moveaxis(np.tensordot(weights, np.moveaxis(field, axis, 0), 1), 0, axis)
        return np.ascontiguousarray(field, dtype=np.float32)


def _steps_before(pitch: float) -> list[int]:
    return [int(np.ceil((a - b) / pitch)) for a, b in zip(_LOW, _BEYOND[0], strict=True)]


def spline_weights(position: Floats, count: int) -> Floats:
    """Return weights (positions, count) of the knots 0, 1, 2, ... of a cubic B-spline at positions between them."""
    first = np.floor(position).astype(int)
    f = (position - first).astype(np.float32)
    weights = np.zeros((len(position), count), dtype=np.float32)
    rows = np.arange(len(position))
    for offset, w in (
        (-1, (1 - f) ** 3 / 6),
        (0, (3 * f**3 - 6 * f**2 + 4) / 6),
        (1, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6),
        (2, f**3 / 6),
    ):
        np.add.at(weights, (rows, np.clip(first + offset, 0, count - 1)), w)
    return weights
