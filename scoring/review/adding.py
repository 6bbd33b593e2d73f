"""What lies at a click: the connected voxels at or above the threshold that no listed lesion holds yet."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.candidates.agatston import Candidate
from scoring.judgement.naming.pieces import label_connected
from scoring.review.edits import EditRefused, Place
from scoring.review.region import Region, Regions, build_candidate, divide_shares, share_out
from scoring.review.scan import Scan

NEAR_MM: Final = 2.0
"""How far beside a calcification a click may land: half the width of an artery."""
LARGEST_MM3: Final = 5_000.0
"""No plaque is larger: an Agatston score of 5,000 has about 4,000 mm3 in the whole tree. A rib or a vertebra is."""
_TOUCHING: Final = np.ones((3, 3, 3), bool)


def find_region(regions: Regions, voxel: NDArray[np.int32]) -> Region | None:
    """The region that holds a voxel, None where none does."""
    return next((item for item in regions if (item.voxels == voxel).all(axis=1).any()), None)


def find_near(scan: Scan, voxels: NDArray[np.int32], voxel: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """The voxel of `voxels` (n, 3) in the slice of a click that is nearest to it; None beyond 2 mm."""
    here = voxels[voxels[:, 0] == voxel[0]]
    if not len(here):
        return None
    away = np.linalg.norm((here - voxel)[:, 1:] * np.asarray(scan.volume.spacing_mm[1:]), axis=1)
    nearest = int(away.argmin())
    return np.asarray(here[nearest], dtype=np.int32) if away[nearest] <= NEAR_MM else None


def find_bright(scan: Scan, at: Place) -> NDArray[np.int32]:
    """The voxel of a candidate at a click, or the nearest within 2 mm in its slice.

    Raises EditRefused: `outside` the images, `nothing_bright` there.
    """
    voxel = scan.find_voxel(at)
    spacing = np.asarray(scan.volume.spacing_mm)
    reach = np.array([0, *np.ceil(NEAR_MM / spacing[1:])], dtype=np.int32)
    low = np.maximum(voxel - reach, 0)
    high = np.minimum(voxel + reach + 1, scan.volume.hu.shape)
    box = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)
    found = find_near(scan, box[scan.find_owner(box) >= 0], voxel)
    if found is None:
        raise EditRefused("nothing_bright", threshold=scan.convention.threshold_hu, near=NEAR_MM)
    return found


def find_rest(scan: Scan, regions: Regions, voxel: NDArray[np.int32]) -> Candidate:
    """The candidate at a voxel, without what listed regions hold, connected to the voxel (26-connected).

    Its components keep their scores; one that a region shares is divided as between two lesions. Raises EditRefused
    (`too_large`) for what is no plaque.
    """
    whole = scan.candidates[int(scan.find_owner(voxel[None])[0])]
    if whole.volume_mm3 > LARGEST_MM3:
        raise EditRefused("too_large", volume=whole.volume_mm3, limit=LARGEST_MM3)
    taken = _find_taken(whole.voxels, regions)
    if not taken.any():
        return whole
    part = np.full(len(taken), -1, dtype=np.intp)
    part[~taken] = label_connected(whole.voxels[~taken], _TOUCHING)
    here = part == part[(whole.voxels == voxel).all(axis=1)]
    shares = divide_shares(scan, whole.voxels, share_out(scan, whole.voxels, whole.agatston), here.astype(np.intp))
    voxels = whole.voxels[here]
    return build_candidate(scan, voxels, float(shares[here].sum()), whole.volume_mm3 / len(whole.voxels))


def _find_taken(voxels: NDArray[np.int32], regions: Regions) -> NDArray[np.bool_]:
    """Which voxels (n, 3) a region holds."""
    low, high = voxels.min(axis=0), voxels.max(axis=0)
    held = np.zeros(high - low + 1, dtype=bool)
    for item in regions:
        near = ((item.voxels >= low) & (item.voxels <= high)).all(axis=1)
        held[tuple((item.voxels[near] - low).T)] = True
    return np.asarray(held[tuple((voxels - low).T)])
