"""The chest as the coarse net sees it: heart, vessels, bone, airways and lungs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.isotropic import Cubes, cubes
from scoring.anatomy.network import Found, network
from scoring.anatomy.region import Region, largest

LUNGS_ML: Final = 300.0
HEART_ML: Final = 180.0
BONE_ML: Final = 40.0
SPINE_ML: Final = 40.0
BEHIND_MM: Final = 60.0
"""An image that reaches so far behind the heart shows the spine: an aorta 30 mm wide lies between, and a vertebra."""
BONE_PIECE_ML: Final = 6.0
NEAR_HEART_MM: Final = 8.0
MARGIN_MM: Final = 36.0
SURROUND_MM: Final = 24.0
BODY_HU: Final = -300
BONE_HU: Final = 110


@dataclass(frozen=True, slots=True)
class Chest:
    """The net's classes, and distances to the structures around the heart.

    `heart` is the pericardial sac with its contents, `body` the same with ascending aorta and pulmonary trunk; `bone`
    excludes small pieces near the heart, which are calcium. `heart_ml` and `lungs_ml` are volumes inside the image;
    `box` holds the indices of the cubes around the heart; `certainty` 0..1 is how certain the net is of its cubes.
    """

    found: Found
    heart: Region
    body: Region
    bone: Region
    airway: Region
    abdomen: Region
    oesophagus: Region
    heart_mask: NDArray[np.bool_]
    bone_mask: NDArray[np.bool_]
    heart_ml: float
    lungs_ml: float
    certainty: float
    box: tuple[slice, ...]

    @property
    def cubes(self) -> Cubes:
        """The image given to the net."""
        return self.found.cubes


def chest(grid: Coarse) -> Chest:
    """Locate the organs of the chest.

    Raises NotScorable: `not_a_chest` for less than 300 mL of lung, `no_spine`, `heart_not_found`.
    """
    image = cubes(grid, network("chest").step_mm, *_extent(grid))
    classified = network("chest").find(image)
    cube_ml = image.step_mm**3 / 1000
    lungs = largest(classified.mask("lung"), 2, int(LUNGS_ML / 10 / cube_ml))
    lungs_ml = float(lungs.sum() * cube_ml)
    if lungs_ml < LUNGS_ML:
        raise NotScorable("not_a_chest", variant="lungs", lungs_ml=round(lungs_ml, 1))
    heart = largest(classified.mask("heart"))
    heart_ml = float(heart.sum() * cube_ml)
    if heart_ml < HEART_ML:
        raise NotScorable("heart_not_found", heart_ml=round(heart_ml, 1))
    _check_bone(classified, heart)
    box = _box(heart, round(MARGIN_MM / image.step_mm))
    bone = _bone(classified, heart, cube_ml)
    vessels = classified.mask("ascending", "pulmonary")

    def region(mask: NDArray[np.bool_]) -> Region:
        return Region.of(mask, image, box)

    return Chest(
        found=classified,
        heart=region(heart),
        body=region(heart | vessels),
        bone=region(bone),
        airway=region(classified.mask("airway")),
        abdomen=region(largest(classified.mask("abdomen"))),
        oesophagus=region(classified.mask("oesophagus")),
        heart_mask=heart,
        bone_mask=bone,
        heart_ml=heart_ml,
        lungs_ml=lungs_ml,
        certainty=float(classified.likely("heart")[heart].mean()),
        box=box,
    )


def _extent(grid: Coarse) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners (z, y, x) in mm of the body: the air around it costs time and adds no information."""
    solid = np.asarray((grid.hu > BODY_HU).mean(axis=0))
    low, high = [grid.position(0)[0] - grid.spacing_mm[0] / 2], [grid.position(0)[-1] + grid.spacing_mm[0] / 2]
    for axis, other in ((1, 1), (2, 0)):
        # A table is thin: a tenth of the slices and of the other axis must be solid to count as body.
        line = solid.mean(axis=other) > 0.1
        occupied = np.flatnonzero(line)
        place = grid.position(axis)
        first, last = (occupied[0], occupied[-1]) if len(occupied) else (0, len(place) - 1)
        low.append(place[first] - SURROUND_MM)
        high.append(place[last] + SURROUND_MM)
    return np.array(low), np.array(high)


def _check_bone(classified: Found, heart: NDArray[np.bool_]) -> None:
    """Refuse a chest without bone, or without a spine although the image reaches behind the descending aorta.

    Raises NotScorable `no_spine`.
    """
    step_mm = classified.cubes.step_mm
    spine_ml, bone_ml = (
        float(classified.mask(*names).sum() * step_mm**3 / 1000) for names in (("spine",), ("spine", "rib"))
    )
    if bone_ml < BONE_ML:
        raise NotScorable("no_spine", variant="bone", bone_ml=round(bone_ml, 1))
    behind_mm = step_mm * float(classified.cubes.size[1] - 1 - np.flatnonzero(heart.any(axis=(0, 2)))[-1])
    if spine_ml < SPINE_ML and behind_mm > BEHIND_MM:
        raise NotScorable("no_spine")


def _bone(classified: Found, heart: NDArray[np.bool_], cube_ml: float) -> NDArray[np.bool_]:
    """Return spine, ribs and sternum; a small piece of bone near the heart is heavy calcium."""
    bone = classified.mask("spine", "rib")
    labels, count = ndimage.label(bone)
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * cube_ml
    away = np.asarray(ndimage.distance_transform_edt(~heart)) * classified.cubes.step_mm
    nearest = ndimage.minimum(away, labels, np.arange(1, count + 1)) if count else np.zeros(0)
    calcium = np.concatenate([[False], (sizes[1:] < BONE_PIECE_ML) & (np.asarray(nearest) < NEAR_HEART_MM)])
    return np.asarray(bone & ~calcium[labels])


def _box(mask: NDArray[np.bool_], margin: int) -> tuple[slice, ...]:
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, size))
        for side, size in zip(box, mask.shape, strict=True)
    )


def skeleton(grid: Coarse, chest: Chest) -> NDArray[np.bool_]:
    """Return bone on the coarse grid, bool (z, y, x): the bright voxels where the net sees bone."""
    at = []
    for axis, size in enumerate(chest.bone_mask.shape):
        index = np.rint((grid.position(axis) - chest.cubes.start_mm[axis]) / chest.cubes.step_mm)
        at.append(np.clip(index, 0, size - 1).astype(np.intp))
    inside = ndimage.binary_dilation(chest.bone_mask)[np.ix_(*at)]
    return np.asarray(inside & (grid.hu > BONE_HU))
