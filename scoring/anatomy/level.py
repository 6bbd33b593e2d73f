"""The level of the left main, from the heart net's landmarks, checked against the outline of the aorta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.heart import Heart

VALVE_MM: Final = 13.0
"""Height of the left main ostium above the centre of the aortic valve in an average heart."""
SPREAD_MM: Final = {"ostium": 5.0, "bifurcation": 6.0, "valve": 7.0, "right ostium": 8.0}
SIGNS: Final = ("left_main_ostium", "left_main_bifurcation", "right_ostium", "aortic_valve")
LEAST_CERTAINTY: Final = 0.4
"""Mean certainty of the four landmarks, 0..1, below which the level is not trusted."""
FAR_MM: Final = 24.0
FROM_WALL_MM: Final = 20.0
BRACKET_MM: Final = 12.0


@dataclass(frozen=True, slots=True)
class Level:
    """Height of the left main in mm along the volume's z axis.

    `signs` holds the name and height of each estimate, `spread_mm` their standard deviation.
    """

    z_mm: float
    spread_mm: float
    signs: tuple[tuple[str, float], ...]


def level(heart: Heart, ascending: Track) -> Level:
    """Return the weighted mean of the landmarks' heights.

    Raises NotScorable: `landmarks_disagree` if they are too far apart or the left main ostium is off the aortic wall,
    `left_main_not_found` if the net is not certain of them or the aorta is not seen above.
    """
    mark = heart.landmarks
    sure = float(np.mean([mark[name].certainty for name in SIGNS]))
    if sure < LEAST_CERTAINTY:
        raise NotScorable("left_main_not_found", variant="certainty", certainty=round(sure, 3), least=LEAST_CERTAINTY)
    signs = {
        "ostium": float(mark["left_main_ostium"].place_mm[0]),
        "bifurcation": float(mark["left_main_bifurcation"].place_mm[0]),
        "valve": float(mark["aortic_valve"].place_mm[0]) + VALVE_MM,
        "right ostium": float(mark["right_ostium"].place_mm[0]),
    }
    heights = np.array(list(signs.values()))
    weights = np.array([SPREAD_MM[name] ** -2.0 for name in signs])
    place = float(np.average(heights, weights=weights))
    if np.abs(heights - place).max() > FAR_MM:
        raise NotScorable("landmarks_disagree", variant="heights", apart_mm=round(float(np.ptp(heights)), 1))
    wall_mm = abs(float(ascending.outside(mark["left_main_ostium"].place_mm[None])[0]))
    if wall_mm > FROM_WALL_MM:
        raise NotScorable("landmarks_disagree", variant="off_wall", wall_mm=round(wall_mm, 1))
    above = (ascending.z_mm >= place) & (ascending.z_mm <= place + BRACKET_MM)
    if not ascending.seen[above].any():
        raise NotScorable("left_main_not_found", variant="aorta")
    return Level(place, float(heights.std()), tuple(signs.items()))
