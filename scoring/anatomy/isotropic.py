"""A part of the volume resampled to cubes: the input of the nets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.coarse import Coarse
from scoring.images.volume import AIR_HU

_FINER: Final = 1.3


@dataclass(frozen=True, slots=True)
class Cubes:
    """`hu` float32 (z, y, x), sides multiples of 8; the centre of voxel i is at `start_mm` + i x `step_mm`.

    Positions are in mm along the volume's axes (z, y, x) from the centre of its voxel [0, 0, 0]. `size` is the part of
    the array that the image covers; the rest is air.
    """

    hu: NDArray[np.float32]
    size: tuple[int, int, int]
    start_mm: NDArray[np.float64]
    step_mm: float

    def index(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return array indices (n, 3), not rounded, of positions (n, 3)."""
        return np.asarray((np.asarray(points_mm, dtype=np.float64) - self.start_mm) / self.step_mm)

    def position(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions (..., 3) in mm of array indices (..., 3)."""
        return np.asarray(self.start_mm + np.asarray(index, dtype=np.float64) * self.step_mm)


def cubes(
    grid: Coarse,
    step_mm: float,
    low_mm: NDArray[np.float64] | None = None,
    high_mm: NDArray[np.float64] | None = None,
) -> Cubes:
    """Average the coarse grid over cubes of `step_mm`, between two corners (z, y, x) or in full.

    Along an axis whose voxels are not clearly finer than the cubes, the image is interpolated.
    """
    spacing, first = np.asarray(grid.spacing_mm), np.asarray(grid.start_mm) - np.asarray(grid.spacing_mm) / 2
    end = first + spacing * grid.hu.shape
    low = first if low_mm is None else np.maximum(first, low_mm)
    high = end if high_mm is None else np.minimum(end, high_mm)
    count = np.maximum(1, np.rint((high - low) / step_mm).astype(int))
    weights = []
    part = []
    for axis in range(3):
        table = _weights(count[axis], low[axis], step_mm, first[axis], float(spacing[axis]), grid.hu.shape[axis])
        used = np.flatnonzero(table.any(axis=0))
        part.append(slice(int(used[0]), int(used[-1]) + 1))
        weights.append(table[:, part[-1]])
    image = grid.hu[tuple(part)].astype(np.float32)
    for axis, table in enumerate(weights):
        image = np.moveaxis(np.tensordot(table, np.moveaxis(image, axis, 0), 1), 0, axis)
    size = (int(count[0]), int(count[1]), int(count[2]))
    padded = np.full([-(-side // 8) * 8 for side in size], AIR_HU, np.float32)
    # Whole HU, so that the last digits of a sum, which depend on the processor, do not reach the nets.
    padded[: size[0], : size[1], : size[2]] = np.rint(image)
    return Cubes(padded, size, low + step_mm / 2, step_mm)


def _weights(count: int, low: float, step: float, first: float, spacing: float, voxels: int) -> NDArray[np.float32]:
    """Return the share of each voxel (`spacing`, from `first` on) in each of `count` cubes (`step`, from `low` on)."""
    middle = low + (np.arange(count) + 0.5) * step
    if spacing * _FINER > step:
        place = np.clip((middle - first) / spacing - 0.5, 0, voxels - 1)
        linear = np.clip(1 - np.abs(place[:, None] - np.arange(voxels)), 0, 1)
        return np.asarray(linear, dtype=np.float32)
    edge = first + np.arange(voxels + 1) * spacing
    inside = np.minimum(edge[None, 1:], middle[:, None] + step / 2) - np.maximum(
        edge[None, :-1], middle[:, None] - step / 2
    )
    share = np.maximum(inside, 0)
    return np.asarray(share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9), dtype=np.float32)
