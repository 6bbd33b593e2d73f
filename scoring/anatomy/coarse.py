"""A copy of the volume in coarse voxels: fine enough to locate organs, small enough to be fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.images.volume import Volume

IN_PLANE_MM = 1.5
THROUGH_PLANE_MM = 2.5
LOWEST_HU, HIGHEST_HU = -1024, 1500


@dataclass(frozen=True, slots=True)
class Coarse:
    """Block means of a volume on a coarser grid.

    `hu` is (z, y, x) int16, limited to -1024..1500 HU so that padding and metal do not spread.
    `spacing_mm` and `start_mm` are (z, y, x); the centre of voxel i is at start + i x spacing, in mm along
    the volume's own axes from the centre of its voxel [0, 0, 0].
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    start_mm: tuple[float, float, float]

    def position(self, axis: int) -> NDArray[np.float64]:
        """Return the centres of the voxels along one axis in mm."""
        steps = np.arange(self.hu.shape[axis], dtype=np.float64)
        return np.asarray(self.start_mm[axis] + steps * self.spacing_mm[axis])

    def index(self, position_mm: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the nearest voxels (..., 3) to positions (..., 3) in mm, clipped to the grid."""
        exact = (np.asarray(position_mm) - self.start_mm) / self.spacing_mm
        return np.clip(np.rint(exact), 0, np.array(self.hu.shape) - 1).astype(np.intp)


def coarse(volume: Volume) -> Coarse:
    """Average blocks of about 1.5 mm in plane and 2.5 mm through plane; remainders at the far end are left out."""
    targets = (THROUGH_PLANE_MM, IN_PLANE_MM, IN_PLANE_MM)
    steps = [max(1, round(target / size)) for target, size in zip(targets, volume.spacing_mm, strict=True)]
    steps = [min(step, size) for step, size in zip(steps, volume.hu.shape, strict=True)]
    depth, height, width = (size // step for size, step in zip(volume.hu.shape, steps, strict=True))
    step_z, step_y, step_x = steps
    blocks = np.empty((depth, height, width), np.int16)
    for z in range(depth):
        total = np.zeros((height, width), np.int32)
        for source in volume.hu[z * step_z : (z + 1) * step_z]:
            # One slice at a time: a limited copy of the whole volume would double the memory.
            limited = np.clip(source[: height * step_y, : width * step_x], LOWEST_HU, HIGHEST_HU)
            for row in range(step_y):
                for column in range(step_x):
                    total += limited[row::step_y, column::step_x]
        blocks[z] = np.rint(total / (step_z * step_y * step_x))
    z_mm, y_mm, x_mm = volume.spacing_mm
    return Coarse(
        hu=blocks,
        spacing_mm=(z_mm * step_z, y_mm * step_y, x_mm * step_x),
        start_mm=(z_mm * (step_z - 1) / 2, y_mm * (step_y - 1) / 2, x_mm * (step_x - 1) / 2),
    )
