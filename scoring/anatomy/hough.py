"""Circles in axial slices by their edges: the Hough transform that finds the aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.bone import Bone
from scoring.anatomy.coarse import Coarse

# Limits that make fat and lung count alike as outside, and blood, bone and contrast alike as inside.
OUTSIDE_HU, INSIDE_HU = -120.0, 70.0
EDGE_HU_PER_MM = 8.0
STRONG_HU_PER_MM = 35.0
RADII_MM: NDArray[np.float64] = np.arange(9.0, 28.5, 1.5)
BEFORE_SPINE_MM, BEHIND_SPINE_MM = 130.0, 35.0
RIGHT_MM, LEFT_MM = 95.0, 80.0


@dataclass(frozen=True, slots=True)
class Votes:
    """Hough votes: `share` (z, radius, y, x) float32, about the share of a circle's edge that is there.

    `corner` is the (y, x) index of the votes' first pixel on the coarse grid; `smooth` the limited image (z, y, x).
    """

    share: NDArray[np.float32]
    corner: tuple[int, int]
    smooth: NDArray[np.float32]


def votes(grid: Coarse, bone: Bone) -> Votes:
    """Circular Hough transform of the mediastinum: each edge votes for centres on its bright side."""
    limited = np.clip(grid.hu, OUTSIDE_HU, INSIDE_HU).astype(np.float32)
    # Bone counts as outside: else vertebrae, bright and round, pass for the aorta.
    limited[bone.mask] = OUTSIDE_HU
    sigma = (0.8 * min(1.0, 3.0 / grid.spacing_mm[0]), 1.6 / grid.spacing_mm[1], 1.6 / grid.spacing_mm[2])
    smooth = ndimage.gaussian_filter(limited, sigma)
    spine = bone.spine_mm.mean(axis=0)
    low = grid.index(np.array([0.0, spine[0] - BEFORE_SPINE_MM, spine[1] - RIGHT_MM]))
    high = grid.index(np.array([0.0, spine[0] + BEHIND_SPINE_MM, spine[1] + LEFT_MM]))
    window = (slice(low[1], high[1] + 1), slice(low[2], high[2] + 1))
    height, width = high[1] + 1 - low[1], high[2] + 1 - low[2]
    share = np.zeros((len(smooth), len(RADII_MM), height, width), np.float32)
    spacing = np.array(grid.spacing_mm[1:])
    pixels: NDArray[np.float64] = 2 * np.pi * RADII_MM / float(spacing.mean())
    for index, plane in enumerate(smooth):
        share[index] = _slice_votes(plane[window], spacing) / pixels.reshape(-1, 1, 1)
    return Votes(share, (int(low[1]), int(low[2])), smooth)


def _slice_votes(plane: NDArray[np.float32], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    gradient_y, gradient_x = np.gradient(plane, *spacing)
    strength = np.asarray(np.hypot(gradient_y, gradient_x), dtype=np.float32)
    rows, columns = np.nonzero(strength > EDGE_HU_PER_MM)
    size = strength[rows, columns]
    weight = np.minimum(size / STRONG_HU_PER_MM, 1.0)
    step_y = np.asarray(gradient_y)[rows, columns] / size / spacing[0]
    step_x = np.asarray(gradient_x)[rows, columns] / size / spacing[1]
    height, width = plane.shape
    total = np.zeros((len(RADII_MM), height, width), np.float32)
    for index, radius in enumerate(RADII_MM):
        y = np.rint(rows + radius * step_y).astype(np.intp)
        x = np.rint(columns + radius * step_x).astype(np.intp)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        flat = np.bincount(y[inside] * width + x[inside], weight[inside], height * width)
        total[index] = flat.reshape(height, width)
    # Sum of what falls near, not the mean: a centre is known to about 2 mm.
    sigma = (0.7, 2.0 / spacing[0], 2.0 / spacing[1])
    blurred = ndimage.gaussian_filter(total, sigma, mode="constant")
    return np.asarray(blurred * (2 * np.pi * sigma[1] * sigma[2]) * 0.5, dtype=np.float32)
