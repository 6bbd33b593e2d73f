"""Whether the nets and the aorta tell of one and the same chest, which way up and which side left."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.chest import BEHIND_MM, Chest
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.heart import CHAMBERS, Heart
from scoring.anatomy.level import Level

# An unfolded ascending aorta lies straight in front of the descending one, or to its left; turning the patient by 15
# degrees shifts it by 20 mm.
BEFORE_MM, RIGHT_MM = (28.0, 130.0), (-30.0, 90.0)
SHOWN_MM: Final = (110.0, 70.0)
"""An image that reaches so far behind and to the left of the ascending aorta shows the descending one.

Its centre lies about 80 (13) mm behind and up to 50 mm to the left, its wall up to 16 mm further.
"""
ASIDE_MM: Final = 10.0
"""So far the heart's middle lies to the left of the spine's in most patients, and in no mirrored one."""
RIGHT_SIDED_MM, IN_PART_MM = -20.0, -10.0
"""No further to the right, even in a patient turned by 15 degrees, which shifts it by 20 mm; or by 10 mm where the
image ends within the spine and tells less. Two thirds of the heart lie left of the midline.
"""
BONE_HU: Final = 150
BONE_BESIDE_MM: Final = 60.0
BREASTBONE_ML: Final = 40.0
"""A breastbone behind which the heart lies: 10 cm high, 3.5 wide, 1.2 thick."""
SAMPLED: Final = 5
SLACK_MM, FAT_MM = 6.0, 10.0
SAME_SHARE: Final = 0.6
VESSELS_MM, BELOW_MM = 22.0, 15.0
APEX_MM: Final = np.array([10.0, 20.0, 0.0])
"""The apex lies below, before and left of the left main: no higher, further back and further right than this (z, y, x).

The heart's axis points to the left by 44 (9) degrees, down by 38 (8) in the frontal plane, and measures over 60 mm.
"""


def check_upright(around: Chest) -> None:
    """Refuse unless the great vessels lie above the heart's middle, the abdomen below, the spine behind and not left.

    Raises NotScorable `landmarks_disagree`.
    """
    step_mm = around.cubes.step_mm
    middle = _middle(around.heart_mask, 0)
    vessels = [around.found.mask(name) for name in ("ascending", "pulmonary")]
    above_mm = [step_mm * (_middle(vessel, 0) - middle) for vessel in vessels if vessel.any()]
    abdomen = around.found.mask("abdomen")
    below_mm = step_mm * (middle - _middle(abdomen, 0)) if abdomen.any() else BELOW_MM
    if min(above_mm, default=VESSELS_MM) < VESSELS_MM or below_mm < BELOW_MM:
        raise NotScorable("landmarks_disagree", variant="upside_down")
    aside_mm = _left_of_spine_mm(around)
    behind_mm = step_mm * float(around.cubes.size[1] - 1 - np.flatnonzero(around.heart_mask.any(axis=(0, 2)))[-1])
    if aside_mm < (RIGHT_SIDED_MM if behind_mm > BEHIND_MM else IN_PART_MM):
        raise NotScorable("landmarks_disagree", variant="right_sided", right_mm=round(-aside_mm))
    spine = around.found.mask("spine")
    if spine.any() and _middle(spine, 1) <= _middle(around.heart_mask, 1):
        raise NotScorable("landmarks_disagree", variant="back_to_front")


def check_front(grid: Coarse, around: Chest) -> None:
    """Refuse if more bone lies in front of the heart than behind it, and more than a breastbone.

    It asks no net, which in a mirrored chest may take one bone for the other. Raises NotScorable `landmarks_disagree`.
    """
    box = ndimage.find_objects(around.heart_mask.astype(np.uint8))[0]
    low = around.cubes.position(np.array([side.start for side in box]))
    high = around.cubes.position(np.array([side.stop - 1 for side in box]))
    z, y, x = (grid.position(axis) for axis in range(3))
    middle = (low[2] + high[2]) / 2
    level = grid.hu[(z >= low[0]) & (z <= high[0])][:, :, np.abs(x - middle) < BONE_BESIDE_MM]
    # Ribs, clips and wires are thinner than what is kept.
    bone = ndimage.binary_opening(level > BONE_HU).sum(axis=(0, 2)) * float(np.prod(grid.spacing_mm)) / 1000
    front_ml, behind_ml = float(bone[y < low[1]].sum()), float(bone[y > high[1]].sum())
    if front_ml > max(BREASTBONE_ML, behind_ml):
        raise NotScorable("landmarks_disagree", variant="back_to_front")


def check_heart(around: Chest, close: Heart) -> None:
    """Refuse if the nets see the heart in different places, or its apex on the wrong side of its arteries.

    Raises NotScorable `landmarks_disagree`.
    """
    chambers = np.argwhere(close.found.mask(*CHAMBERS))[::SAMPLED].astype(np.float64)
    seen = np.argwhere(around.heart_mask)[::SAMPLED].astype(np.float64)
    if len(chambers):
        inside = around.heart.at(close.found.cubes.position(chambers)) < SLACK_MM
        covered = close.chambers.at(around.cubes.position(seen)) < SLACK_MM + FAT_MM
        share = min(float(inside.mean()), float(covered.mean()))
    else:
        share = 0.0
    if share < SAME_SHARE:
        raise NotScorable("landmarks_disagree", variant="hearts", share_percent=round(100 * share, 1))
    apex = close.landmarks["apex"].place_mm - close.landmarks["left_main_ostium"].place_mm
    if (apex * [1, 1, -1] > APEX_MM * [1, 1, -1]).any():
        below, forward, left = (round(float(part)) for part in apex * [-1, -1, 1])
        raise NotScorable("landmarks_disagree", variant="apex", left_mm=left, forward_mm=forward, below_mm=below)


def check_aortas(behind: Track, before: Track, left_main: Level) -> None:
    """Refuse if ascending and descending aorta are not where they must be relative to each other.

    Raises NotScorable `landmarks_disagree`.
    """
    at = np.array([left_main.z_mm, left_main.z_mm + 10.0])
    y_before, x_before = before.at(at)[:, :2].mean(axis=0)
    y_behind, x_behind = behind.at(at)[:, :2].mean(axis=0)
    forward, right = y_behind - y_before, x_behind - x_before
    if not (BEFORE_MM[0] < forward < BEFORE_MM[1] and RIGHT_MM[0] < right < RIGHT_MM[1]):
        raise NotScorable(
            "landmarks_disagree",
            variant="aortas",
            forward_mm=round(float(forward), 1),
            right_mm=round(float(right), 1),
        )


def check_without_descending(grid: Coarse, around: Chest, before: Track, left_main: Level) -> None:
    """Refuse a chest in which no descending aorta is seen, unless the image need not show it or its sides are plain.

    A narrow field of view ends in front of it; one that lies before the spine is told badly from what is around it.
    What it says about right and left, the heart can say, whose larger part is on the left. Raises NotScorable
    `aorta_not_found`.
    """
    y, x = before.at(np.array([left_main.z_mm]))[0, :2]
    back, left = (float(grid.position(axis)[-1]) for axis in (1, 2))
    if back - y < SHOWN_MM[0] or left - x < SHOWN_MM[1]:
        return
    if _left_of_spine_mm(around) < ASIDE_MM:
        raise NotScorable("aorta_not_found", variant="behind")


def _left_of_spine_mm(around: Chest) -> float:
    """Return how far the heart's middle lies to the left of the spine's at its height, 0 without a spine."""
    spine = around.found.mask("spine")[around.heart_mask.any(axis=(1, 2))]
    return around.cubes.step_mm * (_middle(around.heart_mask, 2) - _middle(spine, 2)) if spine.any() else 0.0


def _middle(mask: NDArray[np.bool_], axis: int) -> float:
    """Return the mean index of a mask along an axis, 0 for an empty one."""
    area = mask.sum(axis=tuple(other for other in range(3) if other != axis), dtype=np.float64)
    return float(np.average(np.arange(len(area)), weights=area)) if area.any() else 0.0
