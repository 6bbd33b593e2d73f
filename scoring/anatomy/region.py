"""A structure on the cubes of a net, as distances to its surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.isotropic import Cubes

FAR_MM: Final = 100.0


@dataclass(frozen=True, slots=True)
class Region:
    """Signed distance to the surface of a structure in mm, negative inside: float32 on a box of the cubes.

    `corner` is the index of the first cube of the box. If there is no structure, every distance is `FAR_MM`.
    """

    outside_mm: NDArray[np.float32]
    corner: NDArray[np.intp]
    cubes: Cubes

    @classmethod
    def of(cls, mask: NDArray[np.bool_], cubes: Cubes, box: tuple[slice, ...] | None = None) -> Self:
        """Compute distances to the structure that `mask` (z, y, x) covers, inside a box of it."""
        box = box or tuple(slice(0, side) for side in mask.shape)
        corner = np.array([side.start for side in box], dtype=np.intp)
        part = mask[box]
        if not part.any():
            return cls(np.full(part.shape, FAR_MM, np.float32), corner, cubes)
        out = ndimage.distance_transform_edt(~part) if not part.all() else np.zeros(part.shape)
        inner = ndimage.distance_transform_edt(part) if not part.all() else np.full(part.shape, FAR_MM)
        # The surface is half a cube from the centre of the first cube on either side.
        signed = np.where(part, 0.5 - np.asarray(inner), np.asarray(out) - 0.5) * cubes.step_mm
        return cls(np.clip(signed, -FAR_MM, FAR_MM).astype(np.float32), corner, cubes)

    def at(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance in mm from points (n, 3) (z, y, x) to the surface, negative inside; linear in between."""
        index = self.cubes.index(points_mm) - self.corner
        distance = ndimage.map_coordinates(self.outside_mm, index.T, order=1, mode="nearest")
        return np.asarray(distance, dtype=np.float64)


def sampled(field: NDArray[np.float32], cubes: Cubes, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sample a field of a net at points (n, 3), linear between cubes; the nearest value outside the image."""
    index = cubes.index(points_mm)
    return np.asarray(ndimage.map_coordinates(field, index.T, order=1, mode="nearest"), dtype=np.float64)


def largest(mask: NDArray[np.bool_], count: int = 1, at_least: int = 1) -> NDArray[np.bool_]:
    """Return the `count` largest connected parts of a mask with at least `at_least` voxels."""
    labels, number = ndimage.label(mask)
    if not number:
        return np.zeros(mask.shape, bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(sizes)[::-1][:count]
    keep = np.zeros(number + 1, bool)
    keep[order] = sizes[order] >= at_least
    return np.asarray(keep[labels])
