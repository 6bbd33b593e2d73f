"""Directions, distances along a course, and planes: mm and degrees, axes (left, posterior, head)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def azimuth(way: ArrayLike) -> float:
    """Return the azimuth of a direction (3,) in degrees: 0 straight forward, 90 to the left."""
    left, posterior, _ = np.asarray(way, dtype=np.float64)
    return float(np.degrees(np.arctan2(left, -posterior)))


def elevation(way: ArrayLike) -> float:
    """Return the elevation of a direction (3,) above the horizontal in degrees, positive to the head."""
    left, posterior, head = np.asarray(way, dtype=np.float64)
    return float(np.degrees(np.arctan2(head, np.hypot(left, posterior))))


def frontal_descent(way: ArrayLike) -> float:
    """Return the angle of a direction (3,) under the horizontal in the frontal plane, in degrees."""
    left, _, head = np.asarray(way, dtype=np.float64)
    return float(np.degrees(np.arctan2(-head, left)))


def angle(one: ArrayLike, other: ArrayLike) -> float:
    """Return the angle between two directions (3,) in degrees, 0 to 180."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))))


def length(course: Points) -> float:
    """Return the length of a course (n, 3) in mm."""
    return float(_travelled(course)[-1])


def at_length(course: Points, mm: float) -> Points:
    """Return the point (3,) of a course (n, 3) `mm` along it; NaN beyond its end."""
    s = _travelled(course)
    return np.array([np.interp(mm, s, course[:, k], right=np.nan) for k in range(3)])


def at_distance(course: Points, mm: float, origin: ArrayLike = (0.0, 0.0, 0.0)) -> Points:
    """Return where a course (n, 3) first is `mm` from `origin` as the crow flies; NaN if it never is.

    The course is to begin nearer than that. Between two points it is straight, and the crossing is exact.
    """
    away = course - np.asarray(origin, dtype=np.float64)
    outside = np.flatnonzero(np.linalg.norm(away, axis=1) >= mm)
    if not outside.size or outside[0] == 0:
        return np.full(3, np.nan)
    start, step = away[outside[0] - 1], away[outside[0]] - away[outside[0] - 1]
    # |start + t step| = mm, the positive root
    a, b, c = step @ step, start @ step, start @ start - mm**2
    t = (-b + np.sqrt(b**2 - a * c)) / a
    return np.asarray(course[outside[0] - 1] + t * step)


def resample(course: Points, until: float = np.inf) -> Points:
    """Return points (m, 3) every millimetre along a course (n, 3), up to its end or to `until` mm."""
    s = _travelled(course)
    t = np.arange(0.0, min(float(s[-1]), until) + 1e-9)
    return np.stack([np.interp(t, s, course[:, k]) for k in range(3)], axis=1)


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane through `centre` (3,) with the unit vector `normal` (3,); `rms` is how far its points lie off it, mm."""

    centre: Points
    normal: Points
    rms: float

    @classmethod
    def fit(cls, points: Points, towards: ArrayLike) -> Self:
        """Fit a plane to points (n, 3) by least squares; its normal points to the side of `towards` (3,)."""
        centre = points.mean(0)
        normal = np.linalg.svd(points - centre, full_matrices=False)[2][2]
        if normal @ (np.asarray(towards, dtype=np.float64) - centre) < 0:
            normal = -normal
        return cls(centre, normal, float(np.sqrt(np.mean(((points - centre) @ normal) ** 2))))


def _travelled(course: Points) -> Points:
    return np.asarray(np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(course, axis=0), axis=1))], dtype=np.float64)
