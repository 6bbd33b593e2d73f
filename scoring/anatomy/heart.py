"""The heart between the lungs: the body of tissue left when vessels and bronchi are taken away, and its middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.bone import Bone
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.hull import STRIDE, Inside

TISSUE_HU = -20
FAT_HU = (-150, -40)
BODY_HU = -300
DEPTH_MM = 5.0
BEFORE_SPINE_MM = 120.0
BESIDE_SPINE_MM = (-35.0, 90.0)
FAT_WEIGHT = 3.0
SMOOTH_MM = 8.0
OPENING_MM = 9.0
SMALLEST_CM2 = 15.0
PARTED = 0.4


@dataclass(frozen=True, slots=True)
class Fullness:
    """Blood and muscle less three times the fat in front of the spine, cm2, at each height `z_mm` (n,)."""

    z_mm: NDArray[np.float64]
    cm2: NDArray[np.float64]

    def middle_mm(self) -> float | None:
        """Height of the uppermost maximum: where the four chambers fill the sac and push the fat out.

        The liver gives a second maximum further down, parted from the first by a clear fall. None when there is
        no such maximum.
        """
        values = self.cm2
        for index in range(len(values) - 2, 0, -1):
            peak = values[index]
            if peak < SMALLEST_CM2 or peak < values[index - 1] or peak < values[index + 1]:
                continue
            higher = np.flatnonzero(values[:index] > peak)
            valley = values[higher[-1] + 1 if len(higher) else 0 : index].min()
            if valley <= (1.0 - PARTED) * peak:
                return float(self.z_mm[index])
        return None


def fullness(grid: Coarse, inside: Inside, bone: Bone) -> Fullness:
    """Measure how full the space between the lungs is of blood and muscle rather than fat."""
    before = bone.spine_mm[:, 0, None] - inside.y_mm
    beside = inside.x_mm - bone.spine_mm[:, 1, None]
    box = ((before > 0) & (before < BEFORE_SPINE_MM))[:, :, None]
    box = box & ((beside > BESIDE_SPINE_MM[0]) & (beside < BESIDE_SPINE_MM[1]))[:, None, :]
    box &= (inside.depth_mm > DEPTH_MM) & ~bone.mask[:, ::STRIDE, ::STRIDE]
    full = np.count_nonzero(box & (inside.hu > TISSUE_HU), axis=(1, 2)).astype(np.float64)
    fat = np.count_nonzero(box & (inside.hu > FAT_HU[0]) & (inside.hu < FAT_HU[1]), axis=(1, 2))
    pixel_cm2 = grid.spacing_mm[1] * grid.spacing_mm[2] * STRIDE**2 / 100.0
    cm2 = (full - FAT_WEIGHT * fat) * pixel_cm2
    return Fullness(grid.position(0), ndimage.gaussian_filter1d(cm2, SMOOTH_MM / grid.spacing_mm[0], mode="nearest"))


@dataclass(frozen=True, slots=True)
class Body:
    """Distance in mm to the body of heart and great vessels, 0 inside: float32 (z, y, x)."""

    outside_mm: NDArray[np.float32]
    start_mm: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]

    def at(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance in mm from points (n, 3) (z, y, x) outwards to the body."""
        index = ((points_mm - self.start_mm) / self.spacing_mm).T
        return np.asarray(ndimage.map_coordinates(self.outside_mm, index, order=1, mode="nearest"), dtype=np.float64)


def body(grid: Coarse, inside: Inside) -> Body:
    """Tissue and fat between the lungs, opened by a ball of 9 mm radius: hilar vessels and bronchi fall away."""
    spacing = np.asarray(grid.spacing_mm) * (1, STRIDE, STRIDE)
    core = _distance((inside.hu > BODY_HU) & (inside.depth_mm > 0), spacing) > OPENING_MM
    outside = np.maximum(_distance(~core, spacing) - OPENING_MM, 0.0).astype(np.float32)
    return Body(outside, np.asarray(grid.start_mm), spacing)


def _distance(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Distance of each voxel of a mask to the nearest voxel outside it; the image's border counts as inside."""
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing), dtype=np.float32)
