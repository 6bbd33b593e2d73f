"""The level of the left main, from the heart nets' landmarks, checked against the outline of the aorta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.heart import Heart, Landmark

SIGNS: Final[dict[str, tuple[float, float]]] = {
    "left_main_ostium": (0.0, 0.0),
    "left_main_bifurcation": (-2.0, 4.0),
    "right_ostium": (16.7, 5.6),
    "aortic_valve": (22.0, 4.0),
}
"""Height of the left main ostium above each landmark in mm, and its standard deviation between patients.

Right ostium: 290 CT angiographies (ImageCAS); Dodge's angiographies have 14. Bifurcation: 6 centre lines on CT. Valve's
centre: 5 gated scans; a root that leans 49 (9) degrees gives 21 (Int J Cardiol 2021;338:58).
"""
TARGET_MM: Final = 5.0
"""Spread of the Gaussian that the nets learn round a landmark: their own doubt is what exceeds it."""
NET_MM: Final = 4.0
"""Error of a landmark that the nets are sure of, in bodies that they were not trained on."""
FAR_MM: Final = 24.0
"""Four of the largest standard deviations between patients."""
FROM_WALL_MM: Final = 25.0
"""Radius of a sinus of Valsalva, 18 mm (36.3 across in men, J Cardiovasc Comput Tomogr 2017), and two cubes of 3 mm."""
MOST_SPREAD_MM: Final = 16.0
"""Doubt about the level as large as the height between the two ostia: it could be either."""
BRACKET_MM: Final = 12.0


@dataclass(frozen=True, slots=True)
class Level:
    """Height of the left main ostium in mm along the volume's z axis.

    `signs` holds the height that each landmark gives, `spread_mm` the standard deviation of the level.
    """

    z_mm: float
    spread_mm: float
    signs: tuple[tuple[str, float], ...]


def level(heart: Heart, ascending: Track) -> Level:
    """Return the mean of the heights that the landmarks give, each weighted by anatomy and by the nets' own doubt.

    Raises NotScorable: `left_main_not_found` if that leaves the level open or the aorta is not seen above it,
    `landmarks_disagree` if a landmark lies too far off or the left main ostium is off the aortic wall.
    """
    marks = [heart.landmarks[name] for name in SIGNS]
    offsets, between = np.array(list(SIGNS.values())).T
    heights = np.array([mark.place_mm[0] for mark in marks]) + offsets
    variance = between**2 + NET_MM**2 + np.array([_doubt_mm(mark) ** 2 for mark in marks])
    # All signs come from the same nets and the same image: together they are no surer than their usual one.
    doubt = float(np.sqrt(len(marks) / (1 / variance).sum()))
    if doubt > MOST_SPREAD_MM:
        raise NotScorable("left_main_not_found", variant="spread", spread_mm=round(doubt, 1), most_mm=MOST_SPREAD_MM)
    place = float(np.average(heights, weights=1 / variance))
    if (np.abs(heights - place) > np.maximum(FAR_MM, 3 * np.sqrt(variance))).any():
        raise NotScorable("landmarks_disagree", variant="heights", apart_mm=round(float(np.ptp(heights)), 1))
    apart = float(np.sqrt(np.average((heights - place) ** 2, weights=1 / variance)))
    ostium = heart.landmarks["left_main_ostium"]
    wall_mm = abs(float(ascending.outside(ostium.place_mm[None])[0]))
    if wall_mm > FROM_WALL_MM + _doubt_mm(ostium):
        raise NotScorable("landmarks_disagree", variant="off_wall", wall_mm=round(wall_mm, 1))
    above = (ascending.z_mm >= place) & (ascending.z_mm <= place + BRACKET_MM)
    if not ascending.seen[above].any():
        raise NotScorable("left_main_not_found", variant="aorta")
    return Level(place, max(doubt, apart), tuple(zip(SIGNS, heights.tolist(), strict=True)))


def _doubt_mm(mark: Landmark) -> float:
    """Return the nets' own doubt about a landmark along an axis, in mm."""
    return float(np.sqrt(max(mark.spread_mm**2 - TARGET_MM**2, 0.0)))
