"""Trachea and bronchi: small islands of air between the lungs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.bone import Bone
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.hull import Hull

AIR_HU = -500
LUMEN_HU = -800
AREA_MM2 = (15.0, 700.0)
BESIDE_SPINE_MM = 50.0
BEFORE_SPINE_MM = (-5.0, 65.0)
DEPTH_MM = 20.0


def airway(grid: Coarse, hull: Hull, bone: Bone) -> NDArray[np.bool_]:
    """Air islands of 15-700 mm2 in a slice, before the spine and deep between the lungs: bool (z, y, x), coarse.

    Gas in the oesophagus is among them; nothing coronary lies on its wall either.
    """
    mask = np.zeros(grid.hu.shape, bool)
    pixel_mm2 = grid.spacing_mm[1] * grid.spacing_mm[2]
    y_mm, x_mm = grid.position(1), grid.position(2)
    for index, z_mm in enumerate(grid.position(0)):
        labels, count = ndimage.label(grid.hu[index] < AIR_HU)
        if not count:
            continue
        names = np.arange(1, count + 1)
        area = np.bincount(labels.ravel(), minlength=count + 1)[1:] * pixel_mm2
        darkest = ndimage.minimum(grid.hu[index], labels, names)
        centre = np.array(ndimage.center_of_mass(labels > 0, labels, names)).reshape(-1, 2)
        points = np.column_stack([np.full(count, z_mm), y_mm[0] + centre[:, 0] * grid.spacing_mm[1]])
        points = np.column_stack([points, x_mm[0] + centre[:, 1] * grid.spacing_mm[2]])
        before = bone.spine_mm[index, 0] - points[:, 1]
        beside = np.abs(points[:, 2] - bone.spine_mm[index, 1])
        keep = (area > AREA_MM2[0]) & (area < AREA_MM2[1]) & (np.asarray(darkest) < LUMEN_HU)
        keep &= (before > BEFORE_SPINE_MM[0]) & (before < BEFORE_SPINE_MM[1]) & (beside < BESIDE_SPINE_MM)
        keep &= hull.depth(points) > DEPTH_MM
        mask[index] = np.concatenate([[False], keep])[labels]
    return mask
