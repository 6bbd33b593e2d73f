"""The lungs: large air-filled spaces inside the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.coarse import Coarse

AIR_HU = -400
TISSUE_HU = -200
PURE_AIR_HU = -960
PURE_AIR_SHARE = 0.6
MEDIAN_HU = -950
SMALLEST_ML = 60.0
WALL_MM = 10.0
ENCLOSED_SHARE = 0.25
OPEN_SHARE = 0.15
CHEST_ML = 250.0


@dataclass(frozen=True, slots=True)
class Lungs:
    """Lung voxels, bool (z, y, x) on the coarse grid, and their volume in mL inside the image."""

    mask: NDArray[np.bool_]
    volume_ml: float


def lungs(grid: Coarse) -> Lungs:
    """Air spaces over 60 mL that are neither pure air nor outside the body.

    Raises NotScorable (not_a_chest) when less than 250 mL of lung lie in the image.
    """
    padding = grid.padding
    labels, count = ndimage.label((grid.hu < AIR_HU) & ~padding)
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * grid.voxel_ml
    boxes = ndimage.find_objects(labels)
    large = [int(label) for label in np.flatnonzero(sizes[1:] >= SMALLEST_ML) + 1]
    pure = [label for label in large if _pure_air(grid.hu[boxes[label - 1]][labels[boxes[label - 1]] == label])]
    inside = _inside(grid, labels, padding, room=np.isin(labels, pure))
    keep = np.zeros(count + 1, bool)
    for label in set(large) - set(pure):
        box = boxes[label - 1]
        keep[label] = np.mean(inside[box][labels[box] == label]) > ENCLOSED_SHARE
    mask = keep[labels]
    volume_ml = float(mask.sum() * grid.voxel_ml)
    if volume_ml < CHEST_ML:
        raise NotScorable(
            "not_a_chest", f"Only {volume_ml:.0f} mL of lung lie in the images: this is not a CT of the chest."
        )
    return Lungs(mask, volume_ml)


def _pure_air(values: NDArray[np.int16]) -> bool:
    """Whether a space holds air alone, as the room, the stomach and the bowel do: lung holds blood and tissue."""
    return bool(np.median(values) <= MEDIAN_HU or np.mean(values < PURE_AIR_HU) >= PURE_AIR_SHARE)


def _inside(
    grid: Coarse, labels: NDArray[Any], padding: NDArray[np.bool_], *, room: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Voxels with body wall before and behind them, so that the foam of a table is none of them.

    A small field of view may cut the wall off in front or behind: where the air space itself runs out of the
    image and no room air lies behind, the wall on the other side is enough.
    """
    tissue = grid.hu > TISSUE_HU
    thick = np.int16(round(WALL_MM / grid.spacing_mm[1]))
    before = np.cumsum(tissue, axis=1, dtype=np.int16)
    behind = before[:, -1:] - before
    walls = before >= thick, behind >= thick
    if np.mean((room & walls[0]).any(axis=1)) > OPEN_SHARE:
        return np.asarray(walls[0] & walls[1])
    seen = ~padding
    first, last = seen.argmax(axis=1, keepdims=True), labels.shape[1] - 1 - seen[:, ::-1].argmax(axis=1, keepdims=True)
    cut_before, cut_behind = (
        (labels > 0) & (labels == np.take_along_axis(labels, row, axis=1)) for row in (first, last)
    )
    return np.asarray((walls[0] | cut_before) & (walls[1] | cut_behind))
