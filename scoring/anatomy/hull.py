"""The space between the lungs: everything inside the convex outline round both lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from scoring.anatomy.coarse import Coarse
from scoring.anatomy.lungs import Lungs

SMALLEST_MM2 = 1500.0
BEYOND_IMAGE_MM = 40.0
IN_FRONT_MM = 10.0
CARRIED_MM = 25.0
CARRIED_MARGIN_MM = 4.0
STRIDE = 2


@dataclass(frozen=True, slots=True)
class Hull:
    """Convex outlines, one a coarse slice, as half planes.

    `z_mm` holds the slices that have an outline; `planes[i]` is (n, 3): unit normal (y, x) and offset, so
    that normal . point + offset <= 0 inside.
    """

    z_mm: NDArray[np.float64]
    planes: tuple[NDArray[np.float64], ...]

    def depth(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance in mm from points (n, 3) (z, y, x) to the outline, positive inside.

        The heart rests on the diaphragm where the lungs end: an outline also holds, a margin narrower, up to
        25 mm below its slice.
        """
        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        depth = np.full(len(points), -np.inf)
        step = float(np.min(np.diff(self.z_mm))) if len(self.z_mm) > 1 else 1.0
        for z_mm, planes in zip(self.z_mm, self.planes, strict=True):
            drop = z_mm - points[:, 0]
            here = (drop > -0.51 * step) & (drop < CARRIED_MM)
            if not here.any():
                continue
            inside = -(points[here, 1:] @ planes[:, :2].T + planes[:, 2]).max(axis=1)
            inside -= np.where(drop[here] > 0.51 * step, CARRIED_MARGIN_MM, 0.0)
            depth[here] = np.maximum(depth[here], inside)
        return depth


@dataclass(frozen=True, slots=True)
class Inside:
    """Every second row and column of the coarse grid: depth inside the outline in mm and the HU there.

    `depth_mm` float32 and `hu` int16 are (z, y, x); `y_mm` and `x_mm` are the positions.
    """

    depth_mm: NDArray[np.float32]
    hu: NDArray[np.int16]
    y_mm: NDArray[np.float64]
    x_mm: NDArray[np.float64]


def inside(grid: Coarse, hull: Hull) -> Inside:
    """The outline's depth on a grid, with the same carrying down as `Hull.depth`."""
    z_mm, y_mm, x_mm = grid.position(0), grid.position(1)[::STRIDE], grid.position(2)[::STRIDE]
    own = np.full((len(z_mm), len(y_mm), len(x_mm)), -np.inf, np.float32)
    for height, planes in zip(hull.z_mm, hull.planes, strict=True):
        index = int(np.argmin(np.abs(z_mm - height)))
        for normal_y, normal_x, offset in planes.astype(np.float32):
            away = (normal_y * y_mm + offset).astype(np.float32)[:, None] + (normal_x * x_mm).astype(np.float32)
            own[index] = np.maximum(own[index], away)
        if len(planes):
            own[index] = -own[index]
    reach = int(CARRIED_MM / grid.spacing_mm[0])
    depth = own.copy()
    for drop in range(1, min(reach, len(own) - 1) + 1):
        np.maximum(depth[:-drop], own[drop:] - CARRIED_MARGIN_MM, out=depth[:-drop])
    return Inside(depth, np.ascontiguousarray(grid.hu[:, ::STRIDE, ::STRIDE]), y_mm, x_mm)


def hull(grid: Coarse, lungs: Lungs) -> Hull:
    """Outline of every coarse slice with more than 15 cm2 of lung."""
    y_mm, x_mm = grid.position(1), grid.position(2)
    pixel_mm2 = grid.spacing_mm[1] * grid.spacing_mm[2]
    heights: list[float] = []
    planes: list[NDArray[np.float64]] = []
    for z_mm, plane, padding in zip(grid.position(0), lungs.mask, grid.padding, strict=True):
        if np.count_nonzero(plane) * pixel_mm2 < SMALLEST_MM2:
            continue
        points = _edge_points(plane, padding, y_mm, x_mm)
        try:
            equations = ConvexHull(points).equations
        except QhullError:
            continue
        heights.append(float(z_mm))
        planes.append(np.asarray(equations, dtype=np.float64))
    return Hull(np.array(heights), tuple(planes))


def _edge_points(
    plane: NDArray[np.bool_], padding: NDArray[np.bool_], y_mm: NDArray[np.float64], x_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """First and last lung voxel of each row; lung that is cut by the field of view is taken to go on beyond it."""
    rows = np.flatnonzero(plane.any(axis=1))
    first = plane[rows].argmax(axis=1)
    last = plane.shape[1] - 1 - plane[rows, ::-1].argmax(axis=1)
    end = plane.shape[1] - 1
    cut_left = (first == 0) | padding[rows, np.maximum(first - 1, 0)]
    cut_right = (last == end) | padding[rows, np.minimum(last + 1, end)]
    left = np.where(cut_left, x_mm[first] - BEYOND_IMAGE_MM, x_mm[first])
    right = np.where(cut_right, x_mm[last] + BEYOND_IMAGE_MM, x_mm[last])
    points = [np.column_stack([y_mm[rows], left]), np.column_stack([y_mm[rows], right])]
    # In front the wall with ribs and sternum is near even where it is cut off.
    for row, beyond in ((0, y_mm[0] - IN_FRONT_MM), (-1, y_mm[-1] + BEYOND_IMAGE_MM)):
        columns = np.flatnonzero(plane[row])
        points.append(np.column_stack([np.full(len(columns), beyond), x_mm[columns]]))
    return np.vstack(points)
