"""The aorta in axial slices: circles found by their edges, followed from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.bone import Bone
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.hull import Hull

# Limits that make fat and lung count alike as outside, and blood, bone and contrast alike as inside.
OUTSIDE_HU, INSIDE_HU = -120.0, 70.0
EDGE_HU_PER_MM = 8.0
STRONG_HU_PER_MM = 35.0
RADII_MM = np.arange(9.0, 25.0, 1.5)
DESCENDING_MM, ASCENDING_MM = (9.0, 19.0), (13.0, 24.0)
DESCENDING_OFFSET_MM, ASCENDING_OFFSET_MM = (-6.0, 20.0), (-78.0, -40.0)
DESCENDING_SPREAD_MM, ASCENDING_SPREAD_MM = (14.0, 14.0), (18.0, 16.0)
ASCENDING_TO_DESCENDING, SIZE_SPREAD = 1.3, 0.18
DRIFT, LOST = (0.1, 0.25), 0.55
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
class Votes:
    """Hough votes: `share` (z, radius, y, x) float32, about the share of a circle's edge that is there.

    `corner` is the (y, x) index of the votes' first pixel on the coarse grid; `smooth` the limited image (z, y, x).
    """

    share: NDArray[np.float32]
    corner: tuple[int, int]
    smooth: NDArray[np.float32]


def votes(grid: Coarse, hull: Hull, bone: Bone) -> Votes:
    """Circular Hough transform of the mediastinum: each edge votes for centres on its bright side."""
    limited = np.clip(grid.hu, OUTSIDE_HU, INSIDE_HU).astype(np.float32)
    # Bone counts as outside: else vertebrae, bright and round, pass for the aorta.
    limited[bone.mask] = OUTSIDE_HU
    sigma = (0.8 * min(1.0, 3.0 / grid.spacing_mm[0]), 1.6 / grid.spacing_mm[1], 1.6 / grid.spacing_mm[2])
    smooth = ndimage.gaussian_filter(limited, sigma)
    spine = bone.spine_mm.mean(axis=0)
    low = grid.index(np.array([0.0, spine[0] - 130.0, spine[1] - 95.0]))
    high = grid.index(np.array([0.0, spine[0] + 35.0, spine[1] + 80.0]))
    window = (slice(low[1], high[1] + 1), slice(low[2], high[2] + 1))
    height, width = high[1] + 1 - low[1], high[2] + 1 - low[2]
    share = np.zeros((len(smooth), len(RADII_MM), height, width), np.float32)
    spacing = np.array(grid.spacing_mm[1:])
    pixels = 2 * np.pi * RADII_MM / spacing.mean()
    for index, plane in enumerate(smooth):
        share[index] = _slice_votes(plane[window], spacing) / pixels[:, None, None]
    return Votes(share, (int(low[1]), int(low[2])), smooth)


def _slice_votes(plane: NDArray[np.float32], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    gradient_y, gradient_x = np.gradient(plane, *spacing)
    strength = np.hypot(gradient_y, gradient_x)
    rows, columns = np.nonzero(strength > EDGE_HU_PER_MM)
    size = strength[rows, columns]
    weight = np.minimum(size / STRONG_HU_PER_MM, 1.0)
    step = np.stack([gradient_y[rows, columns], gradient_x[rows, columns]]) / size / spacing[:, None]
    height, width = plane.shape
    total = np.zeros((len(RADII_MM), height, width), np.float32)
    for index, radius in enumerate(RADII_MM):
        y = np.rint(rows + radius * step[0]).astype(np.intp)
        x = np.rint(columns + radius * step[1]).astype(np.intp)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        flat = np.bincount(y[inside] * width + x[inside], weight[inside], height * width)
        total[index] = flat.reshape(height, width)
    # Sum of what falls near, not the mean: a centre is known to about 2 mm.
    sigma = (0.7, 2.0 / spacing[0], 2.0 / spacing[1])
    blurred = ndimage.gaussian_filter(total, sigma, mode="constant")
    return np.asarray(blurred * (2 * np.pi * sigma[1] * sigma[2]) * 0.5, dtype=np.float32)


def descending(grid: Coarse, found: Votes, bone: Bone) -> Track:
    """Descending aorta: about 6 mm in front and 20 mm to the left of the spine's front."""
    expected = bone.spine_mm + DESCENDING_OFFSET_MM
    return _follow(grid, found, expected, DESCENDING_SPREAD_MM, DESCENDING_MM)


def ascending(grid: Coarse, found: Votes, hull: Hull, behind: Track) -> Track:
    """Ascending aorta and root: about 78 mm in front and 40 mm to the right of the descending aorta.

    The best 15 mm of a first chain anchor it; from there it is followed up and down by small steps, because
    below the left main the heart's chambers give better circles than the root does.
    """
    expected = np.column_stack([behind.y_mm, behind.x_mm]) + ASCENDING_OFFSET_MM
    sure = behind.certainty > 0.6
    size_mm = ASCENDING_TO_DESCENDING * float(np.median(behind.radius_mm[sure if sure.any() else slice(None)]))
    chain = _follow(grid, found, expected, ASCENDING_SPREAD_MM, ASCENDING_MM, size_mm)
    anchor = _anchor(grid, chain, hull, behind)
    circles = np.empty((len(chain.z_mm), 4))
    circles[anchor] = chain.at(chain.z_mm[[anchor]])[0]
    for path in (range(anchor - 1, -1, -1), range(anchor + 1, len(circles))):
        last = circles[anchor]
        limits = (0.82 * last[2], 1.12 * last[2])
        for z in path:
            # Within the heart little edge is left to follow: there the root turns to the back and to the left.
            down_mm = grid.spacing_mm[0] if path.step < 0 and last[3] < LOST else 0.0
            start = last[:3] + (DRIFT[0] * down_mm, DRIFT[1] * down_mm, 0.0)
            last = _refine(grid, found.smooth[z], start, limits, 1.0 + 0.3 * grid.spacing_mm[0], 4.0)
            circles[z] = last
    return Track(chain.z_mm, *circles.T, float(chain.z_mm[anchor]))


def _anchor(grid: Coarse, chain: Track, hull: Hull, behind: Track) -> int:
    """Slice in the middle of the 15 mm where both aortas are most certain and the ascending lies inside the chest."""
    centres = np.column_stack([chain.z_mm, chain.y_mm, chain.x_mm])
    usable = (hull.depth(centres) > 5.0) & (behind.certainty > 0.5) & (behind.y_mm - chain.y_mm > 35.0)
    score = np.where(usable, chain.certainty * np.minimum(behind.certainty, 0.8), 0.0)
    size = 2 * round(7.5 / grid.spacing_mm[0]) + 1
    return int(ndimage.uniform_filter1d(score, size, mode="nearest").argmax())


def _follow(
    grid: Coarse,
    found: Votes,
    expected: NDArray[np.float64],
    spread_mm: tuple[float, float],
    radii_mm: tuple[float, float],
    size_mm: float | None = None,
) -> Track:
    """Best chain of circles by dynamic programming over the best few of each slice."""
    use = np.flatnonzero((radii_mm[0] <= RADII_MM) & (radii_mm[1] >= RADII_MM))
    choices = [_choices(grid, found, z, use, expected[z], spread_mm, size_mm) for z in range(len(found.share))]
    step_mm = grid.spacing_mm[0]
    move_mm, grow_mm = 1.5 + 0.5 * step_mm, 1.0 + 0.2 * step_mm
    score = choices[0][:, 3]
    origins: list[NDArray[np.intp]] = []
    for before, here in zip(choices[:-1], choices[1:], strict=True):
        moved = np.hypot(here[:, None, 0] - before[None, :, 0], here[:, None, 1] - before[None, :, 1]) / move_mm
        grown = (here[:, None, 2] - before[None, :, 2]) / grow_mm
        total = score[None, :] - 0.06 * np.minimum(moved**2 + grown**2, 25.0)
        origin = total.argmax(axis=1)
        origins.append(origin)
        score = here[:, 3] + np.take_along_axis(total, origin[:, None], axis=1)[:, 0]
    path = [int(score.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    circles = np.array([options[best, :3] for options, best in zip(choices, reversed(path), strict=True)])
    circles = np.array([_refine(grid, found.smooth[z], circle, radii_mm) for z, circle in enumerate(circles)])
    z_mm = grid.position(0)
    return Track(z_mm, *circles.T, float(z_mm[circles[:, 3].argmax()]))


def _choices(
    grid: Coarse,
    found: Votes,
    z: int,
    use: NDArray[np.intp],
    expected: NDArray[np.float64],
    spread_mm: tuple[float, float],
    size_mm: float | None,
) -> NDArray[np.float64]:
    """The best circles of one slice: (n, 4) y, x, radius in mm and score."""
    share = found.share[z, use[0] : use[-1] + 1]
    y_mm = grid.position(1)[found.corner[0] : found.corner[0] + share.shape[1]]
    x_mm = grid.position(2)[found.corner[1] : found.corner[1] + share.shape[2]]
    prior = -0.5 * (((y_mm - expected[0]) / spread_mm[0]) ** 2)[:, None]
    prior = prior - 0.5 * ((x_mm - expected[1]) / spread_mm[1]) ** 2
    score = share + 0.12 * np.maximum(prior, -12.0)
    if size_mm is not None:
        score = score - 0.06 * (((RADII_MM[use] - size_mm) / (SIZE_SPREAD * size_mm)) ** 2)[:, None, None]
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
