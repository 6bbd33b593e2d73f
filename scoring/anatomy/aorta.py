"""The aorta in axial slices: circles found by their edges, followed from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.bone import Bone
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.hough import RADII_MM, Votes
from scoring.anatomy.hull import Hull

DESCENDING_MM, ASCENDING_MM = (9.0, 19.5), (13.0, 27.0)
DESCENDING_OFFSET_MM, ASCENDING_OFFSET_MM = (-6.0, 20.0), (-78.0, -40.0)
DESCENDING_SPREAD_MM, ASCENDING_SPREAD_MM = (14.0, 14.0), (18.0, 16.0)
ASCENDING_TO_DESCENDING, SIZE_SPREAD = 1.3, 0.18
DRIFT, LOST = (0.1, 0.25), 0.55
ANCHOR_MM = (-5.0, 50.0)
CHOICES = 16
ANGLES = 48


@dataclass(frozen=True, slots=True)
class Track:
    """A vessel as one circle a coarse slice.

    `z_mm`, `y_mm`, `x_mm`, `radius_mm` (n,) in mm along the volume's axes; `certainty` (n,) 0..1 is the mean
    drop of brightness outwards over the circumference, 50 HU and more counting as 1. `anchor_mm` is the height
    where the vessel is surest.
    """

    z_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    x_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    certainty: NDArray[np.float64]
    anchor_mm: float

    def at(self, z_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Centre y, x, radius and certainty (n, 4) at heights (n,), linear between slices."""
        parts = (self.y_mm, self.x_mm, self.radius_mm, self.certainty)
        return np.column_stack([np.interp(z_mm, self.z_mm, part) for part in parts])

    def outside(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance in mm from points (n, 3) (z, y, x) outwards to the wall, negative inside."""
        circle = self.at(points_mm[:, 0])
        return np.asarray(np.hypot(points_mm[:, 1] - circle[:, 0], points_mm[:, 2] - circle[:, 1]) - circle[:, 2])


@dataclass(frozen=True, slots=True)
class Prior:
    """Where a vessel is expected: (y, x) in mm for each slice, its spread, limits of the radius, and a usual size.

    Smaller than the usual size counts against a circle; larger does not, as aortas widen.
    """

    expected: NDArray[np.float64]
    spread_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    size_mm: float | None = None


def descending(grid: Coarse, found: Votes, bone: Bone) -> Track:
    """Descending aorta: about 6 mm in front and 20 mm to the left of the spine's front.

    Raises NotScorable (landmarks_disagree) when a better vessel lies at the same place to the right of it.
    """
    slices = range(len(found.share))
    chains = []
    for side in (1.0, -1.0):
        offset = (DESCENDING_OFFSET_MM[0], side * DESCENDING_OFFSET_MM[1])
        prior = Prior(bone.spine_mm + offset, DESCENDING_SPREAD_MM, DESCENDING_MM)
        chains.append(_best(grid, [_choices(grid, found, z, prior) for z in slices]))
    left, right = chains
    if right[1] > left[1]:
        raise NotScorable(
            "landmarks_disagree",
            "The descending aorta lies to the right of the spine: either it does in this patient, "
            "or the images are mirrored against what their header says.",
        )
    circles = _refined(grid, found, left[0], slices, DESCENDING_MM)
    return _track(grid.position(0), circles, int(circles[:, 3].argmax()))


def ascending(grid: Coarse, found: Votes, hull: Hull, behind: Track, heart_mm: float) -> Track:
    """Ascending aorta and root: about 78 mm in front and 40 mm to the right of the descending aorta.

    A chain from 5 mm under to 50 mm over `heart_mm`, the height where it should enter the heart, anchors it at
    its best 15 mm; from there it is followed up and down by small steps, because below the left main the heart's
    chambers give better circles than the root does. Raises NotScorable (aorta_not_found).
    """
    z_mm = grid.position(0)
    above = np.flatnonzero((z_mm >= heart_mm + ANCHOR_MM[0]) & (z_mm <= heart_mm + ANCHOR_MM[1]))
    sure = behind.certainty > 0.6
    size_mm = ASCENDING_TO_DESCENDING * float(np.median(behind.radius_mm[sure if sure.any() else slice(None)]))
    expected = np.column_stack([behind.y_mm, behind.x_mm]) + ASCENDING_OFFSET_MM
    if len(above) < 2:
        raise NotScorable(
            "heart_not_covered", "The images end at the top of the heart: they must reach 15 mm above it."
        )
    prior = Prior(expected, ASCENDING_SPREAD_MM, ASCENDING_MM, size_mm)
    chain = _follow(grid, found, prior, range(above[0], above[-1] + 1))
    best = _surest(grid, np.column_stack([z_mm[above], chain]), hull, behind)
    anchor = int(above[best])
    circles = np.empty((len(z_mm), 4))
    circles[anchor] = chain[best]
    limits = (0.82 * chain[best, 2], 1.12 * chain[best, 2])
    for path in (range(anchor - 1, -1, -1), range(anchor + 1, len(circles))):
        last = circles[anchor]
        for z in path:
            # Within the heart little edge is left to follow: there the root turns to the back and to the left.
            down_mm = grid.spacing_mm[0] if path.step < 0 and last[3] < LOST else 0.0
            start = last[:3] + np.array([DRIFT[0] * down_mm, DRIFT[1] * down_mm, 0.0])
            last = _refine(grid, found.smooth[z], start, limits, 1.0 + 0.3 * grid.spacing_mm[0], 4.0)
            circles[z] = last
    return _track(z_mm, circles, anchor)


def _track(z_mm: NDArray[np.float64], circles: NDArray[np.float64], anchor: int) -> Track:
    y_mm, x_mm, radius_mm, certainty = circles.T
    return Track(z_mm, y_mm, x_mm, radius_mm, certainty, float(z_mm[anchor]))


def _surest(grid: Coarse, chain: NDArray[np.float64], hull: Hull, behind: Track) -> int:
    """Row of a chain (z, y, x, radius, certainty) in the middle of the 15 mm where both aortas are most certain."""
    other = behind.at(chain[:, 0])
    usable = (hull.depth(chain[:, :3]) > 5.0) & (other[:, 3] > 0.5) & (other[:, 0] - chain[:, 1] > 40.0)
    score = np.where(usable, chain[:, 4] * np.minimum(other[:, 3], 0.8), 0.0)
    size = 2 * round(7.5 / grid.spacing_mm[0]) + 1
    mean = np.where(usable, ndimage.uniform_filter1d(score, size, mode="nearest"), 0.0)
    if not mean.any():
        raise NotScorable("aorta_not_found", "The ascending aorta was not found above the heart.")
    return int(mean.argmax())


def _follow(grid: Coarse, found: Votes, prior: Prior, slices: range) -> NDArray[np.float64]:
    """Best chain of circles in some slices: (n, 4) y, x, radius, certainty."""
    chain, _ = _best(grid, [_choices(grid, found, z, prior) for z in slices])
    return _refined(grid, found, chain, slices, prior.radii_mm)


def _best(grid: Coarse, choices: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], float]:
    """Best chain by dynamic programming over the best few circles of each slice: (n, 3), and its score."""
    step_mm = grid.spacing_mm[0]
    move_mm, grow_mm = 1.5 + 0.5 * step_mm, 1.0 + 0.2 * step_mm
    score = choices[0][:, 3]
    origins: list[NDArray[np.intp]] = []
    for before, here in pairwise(choices):
        moved = np.hypot(here[:, None, 0] - before[None, :, 0], here[:, None, 1] - before[None, :, 1]) / move_mm
        grown = (here[:, None, 2] - before[None, :, 2]) / grow_mm
        total = score[None, :] - 0.06 * np.minimum(moved**2 + grown**2, 25.0)
        origin = total.argmax(axis=1)
        origins.append(origin)
        score = here[:, 3] + np.take_along_axis(total, origin[:, None], axis=1)[:, 0]
    path = [int(score.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    chain = [options[best, :3] for options, best in zip(choices, reversed(path), strict=True)]
    return np.array(chain), float(score.max())


def _refined(
    grid: Coarse, found: Votes, chain: NDArray[np.float64], slices: range, radii_mm: tuple[float, float]
) -> NDArray[np.float64]:
    return np.array([_refine(grid, found.smooth[z], at, radii_mm) for z, at in zip(slices, chain, strict=True)])


def _choices(grid: Coarse, found: Votes, z: int, prior: Prior) -> NDArray[np.float64]:
    """The best circles of one slice: (n, 4) y, x, radius in mm and score."""
    use = np.flatnonzero((prior.radii_mm[0] <= RADII_MM) & (prior.radii_mm[1] >= RADII_MM))
    share = found.share[z, use[0] : use[-1] + 1]
    y_mm = grid.position(1)[found.corner[0] : found.corner[0] + share.shape[1]]
    x_mm = grid.position(2)[found.corner[1] : found.corner[1] + share.shape[2]]
    apart = ((y_mm - prior.expected[z, 0]) / prior.spread_mm[0])[:, None] ** 2
    apart = apart + ((x_mm - prior.expected[z, 1]) / prior.spread_mm[1]) ** 2
    score = share - 0.06 * np.minimum(apart, 24.0)
    if prior.size_mm is not None:
        small = np.maximum(prior.size_mm - RADII_MM[use], 0.0) / (SIZE_SPREAD * prior.size_mm)
        score = score - 0.06 * (small**2)[:, None, None]
    best = score.max(axis=0)
    peaks = (ndimage.maximum_filter(best, 3) == best).ravel()
    order = np.flatnonzero(peaks)
    order = order[np.argsort(best.ravel()[order])[::-1][:CHOICES]]
    rows, columns = np.unravel_index(order, best.shape)
    radius = RADII_MM[use[score[:, rows, columns].argmax(axis=0)]]
    return np.column_stack([y_mm[rows], x_mm[columns], radius, best[rows, columns]])


def _refine(
    grid: Coarse,
    plane: NDArray[np.float32],
    circle: NDArray[np.float64],
    radii_mm: tuple[float, float],
    reach_mm: float = 2.0,
    stiffness: float = 3.0,
) -> NDArray[np.float64]:
    """Move and resize a circle by at most `reach_mm` to the steepest drop outwards; adds its certainty."""
    shift = np.linspace(-reach_mm, reach_mm, 5)
    y, x, radius = (part.ravel() for part in np.meshgrid(shift, shift, shift, indexing="ij"))
    tried = circle + np.column_stack([y, x, radius])
    tried[:, 2] = np.clip(tried[:, 2], *radii_mm)
    drop = edge_drop(grid, plane, tried)
    score = np.clip(drop, 0.0, 60.0).mean(axis=1) - stiffness * (y**2 + x**2 + radius**2) / reach_mm**2
    best = int(score.argmax())
    return np.append(tried[best], np.mean(np.clip(drop[best] / 50.0, 0.0, 1.0)))


def edge_drop(grid: Coarse, plane: NDArray[np.float32], circles: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much darker (limited HU) it is 3 mm outside a circle than 3 mm inside: (circles, angles)."""
    angle = np.linspace(0.0, 2 * np.pi, ANGLES, endpoint=False)
    direction = np.stack([np.sin(angle), np.cos(angle)])
    values = []
    for offset in (-3.0, 3.0):
        radius = (circles[:, 2] + offset)[:, None]
        y = (circles[:, 0, None] + radius * direction[0] - grid.start_mm[1]) / grid.spacing_mm[1]
        x = (circles[:, 1, None] + radius * direction[1] - grid.start_mm[2]) / grid.spacing_mm[2]
        values.append(ndimage.map_coordinates(plane, [y, x], order=1, mode="nearest"))
    return np.asarray(values[0] - values[1], dtype=np.float64)
