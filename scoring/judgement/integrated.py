"""Calcium mass by integrated intensity: what a calcification adds to the tissue around it, in HU times mm3.

The mass above a threshold leaves out what blur takes below it, and counts the tissue within as calcium. Blur moves
intensity but keeps its sum: the sum of HU over the background, taken over a region that holds the whole blurred
calcification, is proportional to the mass (Molloi, Johnson, Ding, Lipinski, 10.1007/s10554-016-1007-9; "Integrated
intensity-based technique for coronary artery calcium mass measurement: A phantom study", 10.1002/mp.16326; Black, Xiao,
Molloi, J Med Imaging 2023;10(4):043502). There the background is one number from a ring; beside an artery it is fat on
one side and muscle on the other, so here it is a field.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from scoring.images.volume import Volume

METHOD: Final = "integrated intensity, 1.5 mm, local background"
"""Name in the provenance."""

# A standard kernel blurs by about 1 mm: 1.5 mm beyond the threshold hold the calcium but for a few per cent, and each
# further millimetre adds more error of the background than calcium. The slices beside, within 3 mm, hold the end of a
# calcification that lies below the threshold there.
REACH_MM: Final = 1.5
BESIDE_MM: Final = 3.0
# The background is tissue from where no blur is left. Its error counts as often as the region has voxels. In even
# tissue the error is noise, so the mean is over a wide part of the ring; between fat and muscle it is distance, so the
# mean is over what is near. The share of the ring's variance that is no grain says how much of each.
RING_MM: Final = (2.25, 6.0)
WIDE_MM: Final = 3.0
NEAR_MM: Final = 1.2
GRAIN_MM: Final = 1.5
# Calcium lies in the wall of an artery: where the ring is darker (fat), the tissue around the calcium is nearer to
# blood without contrast, blurred as everything is. In phantoms the tissue in the counted voxels is 0.6 of the way from
# the ring to blood (0.29 to 0.75), which is 0.7 before the blur.
WALL_HU: Final = 40.0
WALL_MM: Final = 0.8
WALL_SHARE: Final = 0.7
AIR_HU: Final = -200.0
NEIGHBOUR_MM2: Final = 1.0

Mask = NDArray[np.bool_]
Field = NDArray[np.float32]


def integrate(volume: Volume, voxels: NDArray[np.int32], threshold_hu: float) -> float:
    """HU times mm3 that a calcification adds to its surroundings, never below 0.

    `voxels` are its voxels at or above the threshold, indices (z, y, x), shape (n, 3). Left out are air, and what is
    nearer to another area of at least 1 mm2 above the threshold.
    """
    box = _find_box(volume, voxels)
    hu = volume.hu[box].astype(np.float32)
    own = np.zeros(hu.shape, dtype=bool)
    own[tuple((voxels - [side.start for side in box]).T)] = True
    pixel = (volume.spacing_mm[1], volume.spacing_mm[2])
    other = _find_neighbours(hu >= threshold_hu, own, pixel)
    air = ndi.binary_dilation(hu < AIR_HU, np.ones((1, 3, 3), dtype=bool))
    beside = _spread(own, volume)
    far, far_of_other = _measure_distance(beside, pixel), _measure_distance(_spread(other, volume), pixel)
    ring = (far > RING_MM[0]) & (far <= RING_MM[1]) & (far_of_other > RING_MM[0]) & ~air
    tissue = _estimate_tissue(hu, own, ring, volume)
    region = (_measure_distance(own, pixel) <= REACH_MM) | beside
    region &= (far <= far_of_other) & ~other & ~air
    region |= own
    return max(0.0, float((hu - tissue)[region].sum(dtype=np.float64)) * volume.voxel_mm3)


def _find_box(volume: Volume, voxels: NDArray[np.int32]) -> tuple[slice, ...]:
    """The surroundings of the voxels with the whole ring."""
    margin = [_steps_beside(volume), *(int(np.ceil(RING_MM[1] / size)) + 1 for size in volume.spacing_mm[1:])]
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    return tuple(
        slice(max(0, int(first) - more), min(size, int(stop) + more))
        for first, stop, more, size in zip(low, high, margin, volume.hu.shape, strict=True)
    )


def _steps_beside(volume: Volume) -> int:
    return max(1, round(BESIDE_MM / volume.spacing_mm[0]))


def _find_neighbours(bright: Mask, own: Mask, pixel: tuple[float, float]) -> Mask:
    """Other areas above the threshold; smaller ones are noise, or belong to the calcification."""
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = True
    parts, _ = ndi.label(bright & ~own, structure=in_plane)
    size = np.bincount(parts.ravel()) * pixel[0] * pixel[1]
    size[0] = 0.0
    return np.asarray(size >= NEIGHBOUR_MM2)[parts]


def _spread(mask: Mask, volume: Volume) -> Mask:
    """The mask, and its shadow in the slices beside."""
    line = np.ones((2 * _steps_beside(volume) + 1, 1, 1), dtype=bool)
    return np.asarray(ndi.binary_dilation(mask, line))


def _measure_distance(mask: Mask, pixel: tuple[float, float]) -> NDArray[np.float64]:
    """Distance in mm to the mask within each slice; infinite in slices without it."""
    far = np.full(mask.shape, np.inf)
    for plane, inside in zip(far, mask, strict=True):
        if inside.any():
            plane[:] = ndi.distance_transform_edt(~inside, sampling=pixel)
    return far


def _estimate_tissue(hu: Field, own: Mask, ring: Mask, volume: Volume) -> Field:
    """HU of the tissue without the calcification: the ring, continued smoothly inwards, and the wall of the artery."""
    _, down, across = volume.spacing_mm
    if not ring.any():
        return np.full(hu.shape, WALL_HU, dtype=np.float32)
    wide, near = (_continue_inwards(hu, ring, volume, width) for width in (WIDE_MM, NEAR_MM))
    smooth = ndi.gaussian_filter(hu, (0, GRAIN_MM / down, GRAIN_MM / across))
    spread = float(hu[ring].var())
    grain = float((hu - smooth)[ring].var())
    field = wide + np.float32(max(0.0, 1 - grain / spread) if spread else 0.0) * (near - wide)
    wall = WALL_SHARE * ndi.gaussian_filter(own.astype(np.float32), (0, WALL_MM / down, WALL_MM / across))
    return np.asarray(field + np.maximum(np.float32(WALL_HU) - field, 0) * wall, dtype=np.float32)


def _continue_inwards(hu: Field, ring: Mask, volume: Volume, width_mm: float) -> Field:
    """Mean of the ring in its slice at every voxel, weighted by the distance; of the whole ring where none is near."""
    _, down, across = volume.spacing_mm
    width = (0.0, width_mm / down, width_mm / across)
    weight = ndi.gaussian_filter(ring.astype(np.float32), width, mode="constant")
    total = ndi.gaussian_filter(np.where(ring, hu, np.float32(0)), width, mode="constant")
    field = np.full(hu.shape, hu[ring].mean(), dtype=np.float32)
    np.divide(total, weight, out=field, where=weight > np.float32(1e-4))
    return field
