"""The aorta in axial slices: circles on its wall, near the position given by the chest net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.coarse import Coarse
from scoring.anatomy.network import Found
from scoring.anatomy.region import FAR_MM, largest

DESCENDING_MM, ASCENDING_MM = (6.5, 21.0), (9.5, 27.0)
"""Radii: women of 20 years have descending aortas of 18 (3) and ascending ones of 27 (4) mm across, an aneurysm 54.

Framingham: 23.1 (2.6) and 31.9 (3.5) mm in women, less 0.16 mm for each year (Scand Cardiovasc J 2006;40:175).
"""
OUTSIDE_HU, INSIDE_HU = -120.0, 70.0
BRIGHT_HU: Final = 150
EDGE_MM: Final = 3.0
WALL_HU: Final = 50.0
ANGLES: Final = 40
STIFF_HU: Final = 22.0
COARSE_DROP_HU, FINE_DROP_HU = 60.0, 190.0
APART_MM: Final = 6.0
SMOOTH_MM: Final = 9.0
FEWEST_MM2: Final = 60.0
LIKELY: Final = 0.3
WITHIN_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Track:
    """A vessel as one circle per coarse slice.

    `z_mm`, `y_mm`, `x_mm`, `radius_mm` (n,) are in mm along the volume's axes. `certainty` (n,) 0..1 is the mean
    outward drop in brightness over the circumference, where 50 HU and more count as 1. `seen` bool (n,) is True where
    the net sees the vessel; elsewhere the circle is that of the nearest such slice. `apart_mm` (n,) is the distance
    from the circle's centre to the centre of the vessel as the net sees it.
    """

    z_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    x_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    certainty: NDArray[np.float64]
    seen: NDArray[np.bool_]
    apart_mm: NDArray[np.float64]

    @classmethod
    def unseen(cls, z_mm: NDArray[np.float64]) -> Self:
        """Return the track of a vessel that the image does not show: far away, of no size."""
        none = np.zeros(len(z_mm))
        return cls(z_mm, none - FAR_MM, none - FAR_MM, none, none, none > 0, none)

    def within(self, grid: Coarse) -> bool:
        """Return whether most circles where the vessel is seen lie within the image: else it holds little of it."""
        y, x = grid.position(1), grid.position(2)
        inside = (self.y_mm - self.radius_mm >= y[0]) & (self.y_mm + self.radius_mm <= y[-1])
        inside &= (self.x_mm - self.radius_mm >= x[0]) & (self.x_mm + self.radius_mm <= x[-1])
        return bool(inside[self.seen].mean() > WITHIN_SHARE)

    def at(self, z_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return centre y, x, radius and certainty (n, 4) at heights (n,), linear between slices."""
        parts = (self.y_mm, self.x_mm, self.radius_mm, self.certainty)
        return np.column_stack([np.interp(z_mm, self.z_mm, part) for part in parts])

    def outside(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance in mm of points (n, 3) (z, y, x) outside the wall, negative inside."""
        circle = self.at(points_mm[:, 0])
        return np.asarray(np.hypot(points_mm[:, 1] - circle[:, 0], points_mm[:, 2] - circle[:, 1]) - circle[:, 2])


def track(
    grid: Coarse, smooth: NDArray[np.float32], chest: Found, name: str, radii_mm: tuple[float, float]
) -> Track | None:
    """Track the vessel of the net's class `name`; None if the net does not see it.

    In each slice the circle with the steepest outward drop in brightness near the net's position and size is taken;
    the circles are then smoothed over 9 mm. `smooth` is `limited(grid)`.
    """
    guess = _guess(grid, chest, name, radii_mm)
    z_mm = grid.position(0)
    seen = np.isfinite(guess[:, 0])
    if not seen.any():
        return None
    circles = np.full((len(z_mm), 4), np.nan)
    for index in np.flatnonzero(seen):
        circles[index] = _circle(grid, smooth[index], guess[index], radii_mm)
    known = np.flatnonzero(seen)
    certainty = np.interp(np.arange(len(z_mm)), known, circles[known, 3])
    sure = known[np.hypot(*(circles[known, :2] - guess[known, :2]).T) <= APART_MM]
    used = sure if len(sure) else known
    parts = [np.interp(np.arange(len(z_mm)), used, circles[used, k]) for k in range(3)]
    reach = 2 * round(SMOOTH_MM / 2 / grid.spacing_mm[0]) + 1
    y, x, radius = (ndimage.median_filter(part, reach, mode="nearest") for part in parts)
    net = np.column_stack([np.interp(np.arange(len(z_mm)), known, guess[known, k]) for k in (0, 1)])
    return Track(z_mm, y, x, radius, certainty, seen, np.hypot(y - net[:, 0], x - net[:, 1]))


def limited(grid: Coarse, bone: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a smoothed image in which fat equals lung (outside), and calcium and contrast equal blood (inside).

    Bone counts as outside: otherwise vertebrae, bright and round, would pass for the aorta.
    """
    image = np.clip(grid.hu, OUTSIDE_HU, INSIDE_HU).astype(np.float32)
    image[bone] = OUTSIDE_HU
    sigma = (0.8 * min(1.0, 3.0 / grid.spacing_mm[0]), 1.6 / grid.spacing_mm[1], 1.6 / grid.spacing_mm[2])
    return np.asarray(ndimage.gaussian_filter(image, sigma), dtype=np.float32)


def _guess(grid: Coarse, chest: Found, name: str, radii_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Return centre y, x and radius in mm of the net's vessel in each coarse slice, NaN where it sees none: (n, 3)."""
    likely = chest.likely(name)
    likely = np.where(largest(likely > LIKELY), likely, 0)
    area = likely.sum(axis=(1, 2), dtype=np.float64) * chest.cubes.step_mm**2
    height = chest.cubes.position(np.column_stack([np.arange(len(likely))] * 3))
    rows, columns = np.arange(likely.shape[1]), np.arange(likely.shape[2])
    total = np.maximum(likely.sum(axis=(1, 2), dtype=np.float64), 1e-9)
    y = chest.cubes.start_mm[1] + chest.cubes.step_mm * (likely.sum(axis=2, dtype=np.float64) @ rows) / total
    x = chest.cubes.start_mm[2] + chest.cubes.step_mm * (likely.sum(axis=1, dtype=np.float64) @ columns) / total
    radius = np.clip(np.sqrt(area / np.pi), *radii_mm)
    known = np.flatnonzero(area >= FEWEST_MM2)
    circles = np.full((grid.hu.shape[0], 3), np.nan)
    if not len(known):
        return circles
    z_mm = grid.position(0)
    reach = chest.cubes.step_mm / 2
    inside = (z_mm >= height[known[0], 0] - reach) & (z_mm <= height[known[-1], 0] + reach)
    for column, values in enumerate((y, x, radius)):
        circles[inside, column] = np.interp(z_mm[inside], height[known, 0], values[known])
    return circles


def _circle(
    grid: Coarse, plane: NDArray[np.float32], guess: NDArray[np.float64], radii_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the circle y, x, radius near a guess with the steepest outward drop, and its certainty."""
    best = guess
    for reach, sizes, step in ((7.5, 5.0, 2.5), (1.5, 1.5, 0.75)):
        shift = np.arange(-reach, reach + 0.01, step)
        size = np.arange(-sizes, sizes + 0.01, step)
        y, x, radius = (part.ravel() for part in np.meshgrid(shift, shift, size, indexing="ij"))
        trial = best + np.column_stack([y, x, radius])
        trial = trial[(trial[:, 2] >= radii_mm[0]) & (trial[:, 2] <= radii_mm[1])]
        drop = edge_drop(grid, plane, trial)
        # Near the expected position, edges decide; further away, the net does.
        away = ((trial[:, :2] - guess[:2]) ** 2).sum(axis=1) / 7.5**2 + ((trial[:, 2] - guess[2]) / 5.0) ** 2
        score = np.clip(drop, 0.0, COARSE_DROP_HU if step > 1 else FINE_DROP_HU).mean(axis=1) - STIFF_HU * away / 2
        top = int(score.argmax())
        best, certainty = trial[top], np.mean(np.clip(drop[top] / WALL_HU, 0.0, 1.0))
    return np.append(best, certainty)


def edge_drop(grid: Coarse, plane: NDArray[np.float32], circles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the drop (limited HU) from 3 mm inside a circle to 3 mm outside it: (circles, angles)."""
    angle = np.linspace(0.0, 2 * np.pi, ANGLES, endpoint=False)
    direction = np.stack([np.sin(angle), np.cos(angle)])
    values = []
    for offset in (-EDGE_MM, EDGE_MM):
        radius = (circles[:, 2] + offset)[:, None]
        y = (circles[:, 0, None] + radius * direction[0] - grid.start_mm[1]) / grid.spacing_mm[1]
        x = (circles[:, 1, None] + radius * direction[1] - grid.start_mm[2]) / grid.spacing_mm[2]
        rows = np.clip(np.rint(y), 0, plane.shape[0] - 1).astype(np.intp)
        columns = np.clip(np.rint(x), 0, plane.shape[1] - 1).astype(np.intp)
        values.append(plane[rows, columns])
    return np.asarray(values[0] - values[1], dtype=np.float64)
