"""The tissue around a calcification at full resolution: shells round its voxels, in the slightly smoothed image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.blood import smoothed
from scoring.images.volume import Volume

RING_MM, NEAR_MM = (2.0, 6.5), (1.0, 3.5)
EDGE_MM: Final = 2.0
LUNG_HU, NOT_FAT_HU = -350, -180
DARKEST_PERCENT: Final = 5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A box (z, y, x) around some voxels: `hu`, `smooth` (HU), and masks.

    `inside` are the voxels themselves, `ring` is 2-6.5 mm and `near` 1-3.5 mm away; `lung` is lung anywhere in the box,
    `tissue` the ring without it, and `apart` the tissue that is no edge of the lung.
    """

    hu: NDArray[np.int16]
    smooth: NDArray[np.float32]
    inside: NDArray[np.bool_]
    ring: NDArray[np.bool_]
    near: NDArray[np.bool_]
    lung: NDArray[np.bool_]
    tissue: NDArray[np.bool_]
    apart: NDArray[np.bool_]

    @classmethod
    def of(cls, volume: Volume, voxels: NDArray[np.integer]) -> Self:
        """Cut the box around voxels (n, 3) out of a volume."""
        spacing = np.asarray(volume.spacing_mm)
        reach = np.ceil(RING_MM[1] / spacing).astype(int)
        low = np.maximum(voxels.min(axis=0) - reach, 0)
        high = np.minimum(voxels.max(axis=0) + reach + 1, volume.hu.shape)
        part = volume.hu[tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))]
        other = np.ones(part.shape, bool)
        other[tuple((voxels - low).T)] = False
        away = ndimage.distance_transform_edt(other, sampling=spacing)
        smooth = smoothed(part, volume.spacing_mm)
        ring = (away >= RING_MM[0]) & (away <= RING_MM[1])
        near = (away >= NEAR_MM[0]) & (away <= NEAR_MM[1])
        lung, dark = smooth < LUNG_HU, smooth < NOT_FAT_HU
        tissue = ring & ~lung
        # The edge of the lung is as dark as fat: only dark tissue away from it is evidence of fat.
        apart = tissue & (ndimage.distance_transform_edt(~dark, sampling=spacing) > EDGE_MM) if dark.any() else tissue
        return cls(part, smooth, ~other, ring, near, lung, tissue, apart)

    def darkest_hu(self, unknown: float) -> float:
        """Return the 5th percentile of the tissue that is no edge of the lung, or `unknown` where there is none."""
        return float(np.percentile(self.smooth[self.apart], DARKEST_PERCENT)) if self.apart.any() else unknown

    def median_hu(self, unknown: float) -> float:
        """Return the median of the tissue, or `unknown` where there is none."""
        return float(np.median(self.smooth[self.tissue])) if self.tissue.any() else unknown
