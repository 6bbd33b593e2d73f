"""The level of the left main: where the ascending aorta's outline dissolves into the heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.aorta import Track

SMOOTH_MM = 6.0
ABOVE_MM = (6.0, 40.0)
BELOW_MM = 15.0
FALL = 0.84
SEEN = 0.45
BRACKET_MM = 15.0


@dataclass(frozen=True, slots=True)
class Level:
    """Height of the left main in mm along the volume's z axis, and how sharp the change there is (0..1)."""

    z_mm: float
    certainty: float


def level(ascending: Track) -> Level:
    """First height below the surest place of the ascending aorta where its outline falls to 84 % and stays below.

    Raises NotScorable (left_main_not_found) when the outline never falls, or when less than 15 mm of
    ascending aorta are seen above the place.
    """
    z_mm = ascending.z_mm
    step = float(z_mm[1] - z_mm[0]) if len(z_mm) > 1 else 1.0
    outline = ndimage.gaussian_filter1d(ascending.certainty, SMOOTH_MM / 2 / step, mode="nearest")
    start = int(np.argmin(np.abs(z_mm - ascending.anchor_mm)))
    for index in range(min(start, len(z_mm) - 2), -1, -1):
        above = outline[(z_mm >= z_mm[index] + ABOVE_MM[0]) & (z_mm <= z_mm[index] + ABOVE_MM[1])]
        below = outline[(z_mm <= z_mm[index]) & (z_mm >= z_mm[index] - BELOW_MM)]
        if len(above) * step < BRACKET_MM - ABOVE_MM[0]:
            continue
        plateau = float(np.median(above))
        limit = FALL * plateau
        if outline[index] >= limit or below.mean() >= limit:
            continue
        if plateau < SEEN:
            break
        rise = (limit - outline[index]) / max(outline[index + 1] - outline[index], 1e-6)
        change = (plateau - float(below.mean())) / plateau
        return Level(float(z_mm[index] + step * min(max(rise, 0.0), 1.0)), float(np.clip(2.0 * change, 0.0, 1.0)))
    raise NotScorable(
        "left_main_not_found",
        "The level of the left main artery was not found: at least 15 mm of the ascending aorta must be in the images.",
    )
