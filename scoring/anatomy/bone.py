"""Bone: large dense structures that do not lie free inside the chest, and the spine among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.hull import Hull

BONE_HU = 150.0
SMALLEST_ML = 2.5
CERTAIN_ML = 30.0
DEEP_MM = 12.0
DEEP_SHARE = 0.5
SPINE_BLUR_MM = 8.0
STRIP_MM = 8.0
BODY_MM = 45.0
SOLID_SHARE = 0.22
STRIP_HALF_MM = 25.0
MARGIN_MM = 5.0
CHEST_DEPTH_MM = 50.0


@dataclass(frozen=True, slots=True)
class Bone:
    """Bone voxels, bool (z, y, x) on the coarse grid, and the front (y, x) of the spine in mm, one a coarse slice."""

    mask: NDArray[np.bool_]
    spine_mm: NDArray[np.float64]


def bone(grid: Coarse, hull: Hull) -> Bone:
    """Components over 2.5 mL above 150 HU, less those deep inside the chest that are heavy calcium.

    Raises NotScorable (no_spine) when no vertebrae are in the image.
    """
    smooth = ndimage.gaussian_filter(grid.hu, (0, 0.7, 0.7), output=np.float32)
    labels, count = ndimage.label(smooth > BONE_HU, structure=np.ones((3, 3, 3), bool))
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * grid.voxel_ml
    keep = sizes >= SMALLEST_ML
    keep[0] = False
    boxes = ndimage.find_objects(labels)
    for label in np.flatnonzero(keep & (sizes < CERTAIN_ML)):
        box = boxes[label - 1]
        inside = np.argwhere(labels[box] == label)[::7] + [side.start for side in box]
        points = np.asarray(grid.start_mm) + inside * np.asarray(grid.spacing_mm)
        # A calcified coronary tree or valve can reach this size; a rib or the sternum lies at the edge.
        keep[label] = np.mean(hull.depth(points) > DEEP_MM) < DEEP_SHARE
    mask = keep[labels]
    return Bone(mask, _spine(grid, mask, hull))


def _spine(grid: Coarse, mask: NDArray[np.bool_], hull: Hull) -> NDArray[np.float64]:
    """Front of the vertebra nearest to the middle of the chest's back half, median of neighbouring slices."""
    y_mm, x_mm = grid.position(1), grid.position(2)
    sigma = (SPINE_BLUR_MM / grid.spacing_mm[1], SPINE_BLUR_MM / grid.spacing_mm[2])
    rows, columns = np.meshgrid(y_mm, x_mm, indexing="ij")
    found = np.full((grid.hu.shape[0], 2), np.nan)
    solid = np.full(len(found), np.nan)
    for index, z_mm in enumerate(grid.position(0)):
        if not len(hull.z_mm) or not mask[index].any():
            continue
        planes = hull.planes[int(np.argmin(np.abs(hull.z_mm - z_mm)))]
        front, back, centre = _extent(planes, x_mm, y_mm)
        density = ndimage.gaussian_filter(mask[index].astype(np.float32), sigma, mode="nearest")
        density[rows < (front + back) / 2] = 0.0
        density *= np.exp(-0.5 * ((columns - centre) / 40.0) ** 2 - 0.5 * ((rows - back + 20.0) / 40.0) ** 2)
        peak = int(density.argmax())
        if density.flat[peak] < 0.1:
            continue
        strip = mask[index] & (np.abs(columns - columns.flat[peak]) < STRIP_MM) & (rows > rows.flat[peak] - BODY_MM)
        edge = y_mm[strip.argmax(axis=0)[strip.any(axis=0)]]
        found[index] = np.median(edge), columns.flat[peak]
        body = (rows > found[index, 0]) & (rows < found[index, 0] + BODY_MM)
        body &= np.abs(columns - columns.flat[peak]) < BODY_MM / 2
        solid[index] = np.sum(ndimage.binary_fill_holes(mask[index]) & body) / max(np.count_nonzero(body), 1)
    known = np.isfinite(found[:, 0])
    # Sternum and ribs are thin; only vertebrae fill a square of this size.
    if known.sum() * grid.spacing_mm[0] < 60.0 or np.median(solid[known]) < SOLID_SHARE:
        raise NotScorable("no_spine", "The spine was not found: this is not an axial CT of the chest.")
    slices = np.arange(len(found))
    filled = np.column_stack([np.interp(slices, slices[known], found[known, axis]) for axis in (0, 1)])
    reach = 2 * round(15.0 / grid.spacing_mm[0]) + 1
    return np.asarray(ndimage.median_filter(filled, size=(reach, 1), mode="nearest"))


def refuse_turned(grid: Coarse, bone: Bone) -> None:
    """Refuse (landmarks_disagree) where more bone lies in front of the chest than behind it.

    Vertebrae hold several times the bone of the sternum; where they do not, the patient lies otherwise than the
    header says, as in mirrored images.
    """
    y_mm, x_mm = grid.position(1), grid.position(2)
    behind = before = 0
    for plane, (front, middle) in zip(bone.mask, bone.spine_mm, strict=True):
        strip = plane[:, np.abs(x_mm - middle) < STRIP_HALF_MM]
        behind += int(np.count_nonzero(strip[y_mm > front - MARGIN_MM]))
        before += int(np.count_nonzero(strip[y_mm < front - CHEST_DEPTH_MM]))
    if before > behind:
        raise NotScorable(
            "landmarks_disagree",
            "The spine lies in front of the heart: the orientation in the header is not that of the images.",
        )


def _extent(
    planes: NDArray[np.float64], x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Front, back and middle across of an outline in mm, limited to the image."""
    rows, columns = np.meshgrid(y_mm[::4], x_mm[::4], indexing="ij")
    inside = (np.stack([rows, columns], axis=-1) @ planes[:, :2].T + planes[:, 2]).max(axis=-1) <= 0
    if not inside.any():
        return float(y_mm[0]), float(y_mm[-1]), float(x_mm.mean())
    along, across = rows[inside], columns[inside]
    return float(along.min()), float(along.max()), float((across.min() + across.max()) / 2)
