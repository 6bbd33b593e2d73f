"""The level of the left main, from the heart nets' landmarks, checked against the outline of the aorta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.heart import Heart

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
LEAST_MM: Final = 1.0
"""Spread of a height that needs no anatomy to be told: a third of a cube."""
SHARE: Final = 0.5
"""Weight of each sign's evidence: all come from the same nets and the same image, and count as half as many."""
ELSEWHERE: Final = 0.01
"""Probability that a landmark is none of what the nets take it for."""
SURE: Final = 0.5
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
    """Return the height that landmarks and anatomy together tell of.

    Each landmark's probability along z, moved and widened by what anatomy says, is evidence for the level; a place that
    the other signs do not share counts for little.

    Raises NotScorable: `left_main_not_found` if that leaves the level open or the aorta is not seen above it,
    `landmarks_disagree` if a landmark of which the nets are sure lies too far off, or the ostium off the aortic wall.
    """
    marks = {name: heart.landmarks[name] for name in SIGNS}
    heights = {name: float(mark.place_mm[0]) + SIGNS[name][0] for name, mark in marks.items()}
    place, spread = _pool(heart)
    if spread > MOST_SPREAD_MM:
        raise NotScorable("left_main_not_found", variant="spread", spread_mm=round(spread, 1), most_mm=MOST_SPREAD_MM)
    if any(marks[name].certainty > SURE and abs(heights[name] - place) > FAR_MM for name in SIGNS):
        apart = max(heights.values()) - min(heights.values())
        raise NotScorable("landmarks_disagree", variant="heights", apart_mm=round(apart, 1))
    wall_mm = abs(float(ascending.outside(marks["left_main_ostium"].place_mm[None])[0]))
    if wall_mm > FROM_WALL_MM:
        raise NotScorable("landmarks_disagree", variant="off_wall", wall_mm=round(wall_mm, 1))
    above = (ascending.z_mm >= place) & (ascending.z_mm <= place + BRACKET_MM)
    # Where the images end below that, `coverage` says so.
    if ascending.z_mm[-1] >= place + BRACKET_MM / 2 and not ascending.seen[above].any():
        raise NotScorable("left_main_not_found", variant="aorta")
    return Level(place, spread, tuple(heights.items()))


def _pool(heart: Heart) -> tuple[float, float]:
    """Return mean and standard deviation of the level in mm: the signs' probabilities multiplied."""
    found = heart.found
    z_mm = found.cubes.start_mm[0] + found.cubes.step_mm * np.arange(found.cubes.size[0])
    # An ostium above the images is told by what lies below it.
    at_mm = np.arange(z_mm[0], z_mm[-1] + max(offset for offset, _ in SIGNS.values()))
    evidence = np.zeros(len(at_mm))
    for name, (offset, between) in SIGNS.items():
        likely = found.spot[found.landmarks.index(name)].sum(axis=(1, 2), dtype=np.float64)
        widened = np.exp(-0.5 * ((at_mm[:, None] - z_mm - offset) / max(between, LEAST_MM)) ** 2)
        told = (widened / widened.sum(axis=0).clip(1e-9)) @ likely
        # A landmark that the nets take for outside the image says nothing about the level.
        unknown = ELSEWHERE + (1 - ELSEWHERE) * max(1 - float(likely.sum()), 0.0)
        evidence += SHARE * np.log((1 - ELSEWHERE) * told + unknown / len(at_mm))
    share = np.exp(evidence - evidence.max())
    place = float(np.average(at_mm, weights=share))
    return place, float(np.sqrt(np.average((at_mm - place) ** 2, weights=share)))
