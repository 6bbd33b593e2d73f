"""What is measured of a candidate calcification: its place in the frame of the chest, and what surrounds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from scoring.agatston import Candidate
from scoring.anatomy.blood import smoothed, spread
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.frame import Anatomy
from scoring.volume import Volume

SAMPLE = 200
FAR_MM = 100.0
NEAREST_MM = 20.0
RING_MM, NEAR_MM = (2.0, 6.5), (1.0, 3.5)
EDGE_MM = 2.0
LUNG_HU, NOT_FAT_HU = -350, -180
UNKNOWN_HU = 40.0


@dataclass(frozen=True, slots=True)
class Features:
    """Where candidates lie: arrays (n,), distances in mm as medians over a candidate's voxels.

    `above_mm` is height over the left main; `depth_mm` inside the outline of both lungs; `heart_mm` outside the body
    of the heart; `ascending_mm` and `descending_mm` outside the wall of either aorta; `behind_mm` and `left_mm`
    count from the centre of the ascending, `right_mm` and `before_mm` from that of the descending aorta.
    `bone_mm` and `airway_mm` are distances, 20 mm and more as 100; `hilum_mm` tells how far the place lies where no
    coronary artery runs. `contrast_hu` is the peak over the blood's `blood_hu`, `noise_hu` the slice's noise.
    """

    above_mm: NDArray[np.float64]
    depth_mm: NDArray[np.float64]
    heart_mm: NDArray[np.float64]
    contrast_hu: NDArray[np.float64]
    noise_hu: NDArray[np.float64]
    blood_hu: float
    volume_mm3: NDArray[np.float64]
    ascending_mm: NDArray[np.float64]
    descending_mm: NDArray[np.float64]
    behind_mm: NDArray[np.float64]
    left_mm: NDArray[np.float64]
    right_mm: NDArray[np.float64]
    before_mm: NDArray[np.float64]
    bone_mm: NDArray[np.float64]
    airway_mm: NDArray[np.float64]
    hilum_mm: NDArray[np.float64]


def measure(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> Features:
    """Features of candidates by their place, from at most 200 voxels of each."""
    spacing = np.asarray(volume.spacing_mm)
    picks = [item.voxels[:: max(1, len(item.voxels) // SAMPLE)] for item in candidates]
    owner = np.repeat(np.arange(len(picks)), [len(pick) for pick in picks])
    points = np.concatenate(picks) * spacing
    up, back, left = _per_candidate(points.T, owner)
    before = anatomy.ascending.at(up)
    behind = anatomy.descending.at(up)
    middle = np.clip(np.rint(up / spacing[0]).astype(np.intp), 0, len(volume.hu) - 1)
    peak = np.array([item.max_hu for item in candidates])
    depth = anatomy.hull.depth(points)
    distances = (depth, anatomy.body.at(points), anatomy.ascending.outside(points), anatomy.descending.outside(points))
    inside, to_heart, to_ascending, to_descending = _per_candidate(np.array(distances), owner)
    above, behind_mm, left_mm = up - anatomy.left_main.z_mm, back - before[:, 0], left - before[:, 1]
    return Features(
        above_mm=above,
        depth_mm=inside,
        heart_mm=to_heart,
        contrast_hu=peak - anatomy.blood.hu,
        noise_hu=np.maximum(anatomy.blood.noise_by_slice[middle], 1.0),
        blood_hu=anatomy.blood.hu,
        volume_mm3=np.array([item.volume_mm3 for item in candidates]),
        ascending_mm=to_ascending,
        descending_mm=to_descending,
        behind_mm=behind_mm,
        left_mm=left_mm,
        right_mm=behind[:, 1] - left,
        before_mm=behind[:, 0] - back,
        bone_mm=_nearest(anatomy.grid, anatomy.bone.mask, points, owner),
        airway_mm=_nearest(anatomy.grid, anatomy.airway, points, owner),
        hilum_mm=_hilum(above, behind_mm, left_mm),
    )


def _hilum(
    above_mm: NDArray[np.float64], behind_mm: NDArray[np.float64], left_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far (mm) where no coronary artery runs: in the roots of the lungs, and behind the left atrium.

    The first lie from the left main's level upwards far behind the aorta or to its right, the second down to
    35 mm under it.
    """
    roots = np.maximum(behind_mm - 40.0, np.minimum(behind_mm - 5.0, -22.0 - left_mm))
    atrium = np.minimum(behind_mm - 45.0, 35.0 - left_mm)
    return np.maximum(roots - 2.0 * np.maximum(-5.0 - above_mm, 0.0), atrium - 2.0 * np.maximum(-35.0 - above_mm, 0.0))


def _per_candidate(values: NDArray[np.float64], owner: NDArray[np.intp]) -> NDArray[np.float64]:
    """Median over each candidate's points: (rows, points) -> (rows, candidates)."""
    count = int(owner[-1]) + 1
    return np.array([np.asarray(ndimage.median(row, owner, np.arange(count))) for row in values], dtype=np.float64)


def _nearest(
    grid: Coarse, mask: NDArray[np.bool_], points: NDArray[np.float64], owner: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Median distance in mm of each candidate's points to the nearest voxel of a mask."""
    shell = mask & ~ndimage.binary_erosion(mask)
    if not shell.any():
        return np.full(int(owner[-1]) + 1, FAR_MM)
    tree = cKDTree(np.asarray(grid.start_mm) + np.argwhere(shell) * np.asarray(grid.spacing_mm))
    distance = np.asarray(tree.query(points, distance_upper_bound=NEAREST_MM)[0], dtype=np.float64)
    index = grid.index(points)
    distance[mask[tuple(index.T)]] = 0.0
    return np.asarray(_per_candidate(np.minimum(distance, FAR_MM)[None], owner)[0])


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies round one candidate, in the slightly smoothed image.

    `darkest_hu` (5th percentile) and `median_hu` of the tissue 2-6.5 mm away, the share of `lung` there and, as
    `touching_lung`, 1-3.5 mm away, and the noise in HU estimated from the fine structure around.
    """

    darkest_hu: float
    median_hu: float
    lung: float
    touching_lung: float
    noise_hu: float


def surroundings(volume: Volume, anatomy: Anatomy, candidate: Candidate) -> Surroundings:
    """Look at the shells round a candidate at full resolution."""
    spacing = np.asarray(volume.spacing_mm)
    reach = np.ceil(RING_MM[1] / spacing).astype(int)
    low = np.maximum(candidate.voxels.min(axis=0) - reach, 0)
    high = np.minimum(candidate.voxels.max(axis=0) + reach + 1, volume.hu.shape)
    part = volume.hu[tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))]
    other = np.ones(part.shape, bool)
    other[tuple((candidate.voxels - low).T)] = False
    distance = ndimage.distance_transform_edt(other, sampling=spacing)
    smooth = smoothed(part, volume.spacing_mm)
    ring = (distance >= RING_MM[0]) & (distance <= RING_MM[1])
    near = (distance >= NEAR_MM[0]) & (distance <= NEAR_MM[1])
    lung, dark = smooth < LUNG_HU, smooth < NOT_FAT_HU
    tissue = ring & ~lung
    # The edge of the lung is as dark as fat: only what lies apart from it shows fat.
    apart = tissue & (ndimage.distance_transform_edt(~dark, sampling=spacing) > EDGE_MM) if dark.any() else tissue
    fine = (part[tissue] - smooth[tissue]) if tissue.any() else np.zeros(1, np.float32)
    return Surroundings(
        darkest_hu=float(np.percentile(smooth[apart], 5)) if apart.any() else UNKNOWN_HU,
        median_hu=float(np.median(smooth[tissue])) if tissue.any() else UNKNOWN_HU,
        lung=float(np.mean(lung[ring])) if ring.any() else 0.0,
        touching_lung=float(np.mean(lung[near])) if near.any() else 0.0,
        noise_hu=spread(fine) * anatomy.blood.noise_per_fine,
    )
