"""The level of the left main: from the aorta's outline, from how the heart fills its sac, and from the bronchi."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.coarse import Coarse

SMOOTH_MM = 3.0
ABOVE_MM = (6.0, 40.0)
BRACKET_MM = 15.0
FALL = 0.84
SEEN = 0.45
MIDDLE_MM = 41.0
BRONCHI_CM2 = 1.5
BRONCHI_MM = 4.0
SPREAD_MM = {"outline": 9.0, "middle": 6.0, "bronchi": 14.0}
FAR_MM = 25.0
TOGETHER_MM = 15.0


@dataclass(frozen=True, slots=True)
class Level:
    """Height of the left main in mm along the volume's z axis.

    `spread_mm` is how far the signs for it lie apart (standard deviation); `signs` holds each sign's name and
    height.
    """

    z_mm: float
    spread_mm: float
    signs: tuple[tuple[str, float], ...]


def level(ascending: Track, middle_mm: float, airway_cm2: NDArray[np.float64]) -> Level:
    """Weighted mean of the signs that agree: the heart's, and at least one of aorta and bronchi within 25 mm of it.

    `middle_mm` is the height of the heart's middle, `airway_cm2` (n,) the area of the central airway in each
    slice of the track. Raises NotScorable: landmarks_disagree when the heart's sign stands alone or the two
    others agree on another place, left_main_not_found when the ascending aorta is not seen in the 15 mm above it.
    """
    heart = middle_mm + MIDDLE_MM
    signs = {"middle": heart}
    outline = falls(ascending)
    near = [height for height in outline if abs(height - heart) <= FAR_MM]
    if near:
        signs["outline"] = min(near, key=lambda height: abs(height - heart))
    bronchi = bronchi_end(ascending.z_mm, airway_cm2, heart)
    elsewhere = False
    if bronchi is not None and abs(bronchi - heart) <= FAR_MM:
        signs["bronchi"] = bronchi
    elif bronchi is not None:
        # Two signs that agree outweigh the heart's, whose fullness may have a second maximum.
        elsewhere = any(abs(height - bronchi) <= TOGETHER_MM for height in outline)
    if len(signs) < 2 or elsewhere:
        raise NotScorable(
            "landmarks_disagree",
            "Aorta and bronchi put the left main artery elsewhere than the heart's shape does: "
            "the anatomy is unusual, or it was not recognised.",
        )
    heights = np.array(list(signs.values()))
    weights = np.array([SPREAD_MM[name] ** -2 for name in signs])
    place = float(np.average(heights, weights=weights))
    seen = ascending.certainty[(ascending.z_mm >= place) & (ascending.z_mm <= place + BRACKET_MM + 5.0)]
    if not len(seen) or seen.mean() < SEEN:
        raise NotScorable(
            "left_main_not_found",
            "The level of the left main artery was not found: the ascending aorta is not clear above it.",
        )
    return Level(place, float(heights.std()), tuple(signs.items()))


def falls(ascending: Track) -> list[float]:
    """Heights below the surest place of the ascending aorta where its outline falls to 84 % of what it is above."""
    z_mm = ascending.z_mm
    step = float(z_mm[1] - z_mm[0])
    outline = ndimage.gaussian_filter1d(ascending.certainty, SMOOTH_MM / step, mode="nearest")
    found: list[float] = []
    before = 1.0
    start = min(int(np.argmin(np.abs(z_mm - ascending.anchor_mm))), len(z_mm) - 2)
    for index in range(start, -1, -1):
        above = outline[(z_mm >= z_mm[index] + ABOVE_MM[0]) & (z_mm <= z_mm[index] + ABOVE_MM[1])]
        plateau = float(np.median(above)) if len(above) * step >= BRACKET_MM - ABOVE_MM[0] else 0.0
        if plateau < SEEN:
            before = 1.0
            continue
        share = float(outline[index]) / plateau
        if share < FALL <= before:
            found.append(float(z_mm[index] + step * min(1.0, (FALL - share) / max(before - share, 1e-6))))
        before = share
    return found


def bronchi_end(z_mm: NDArray[np.float64], airway_cm2: NDArray[np.float64], near_mm: float) -> float | None:
    """Height a little below the lowest large section of trachea and main bronchi; None when there is none.

    `near_mm` parts it from gas in oesophagus and stomach: only the 60 mm above and 25 mm below it are searched.
    """
    large = z_mm[(airway_cm2 > BRONCHI_CM2) & (z_mm < near_mm + 60.0) & (z_mm > near_mm - FAR_MM)]
    return float(large.min()) - BRONCHI_MM if len(large) else None


def airway_area(grid: Coarse, airway: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Area of the central airway in cm2 in each coarse slice, smoothed over 6 mm."""
    area = airway.sum(axis=(1, 2)) * grid.spacing_mm[1] * grid.spacing_mm[2] / 100.0
    return np.asarray(ndimage.gaussian_filter1d(area.astype(np.float64), SMOOTH_MM / grid.spacing_mm[0]))
