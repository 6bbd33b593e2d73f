"""The left main ends at its division: what lies beyond is its branches, what lies before is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.judgement.naming.atlas import Sighting
from scoring.judgement.naming.courses import DIVISION, LANDMARKS, LEFT_MAIN_MM, LEFT_MAIN_SPREAD_MM, ORIGIN
from scoring.result import ARTERIES

# A plaque overhangs the division by half a vessel.
OVERHANG_MM: Final = 2.0
# The trunk with its fat: a branch that comes back beside it keeps that distance.
BESIDE_MM: Final = 6.0
LEAST: Final = 0.02


def weigh_division(sightings: Mapping[str, Sighting], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors (4, n) by which the order along the vessel changes the odds of the arteries at places (n, 3), mm.

    `sightings` hold at least the ostium of the left main. Its division lies where the nets see it and where the
    published length from the ostium ends, each weighed by its spread.
    """
    ostium, (division, spread) = sightings[ORIGIN], find_division(sightings)
    length = float(np.linalg.norm(division - ostium.place_mm))
    axis = (division - ostium.place_mm) / max(length, 1e-9)
    along = (places - ostium.place_mm) @ axis
    aside = np.linalg.norm(places - ostium.place_mm - np.clip(along, 0, length)[:, None] * axis, axis=1)
    # the integral of the normal distribution, within 0.01
    before = 1 / (1 + np.exp(-1.702 * np.clip((length - along) / np.hypot(spread, OVERHANG_MM), -20, 20)))
    factors = np.ones((len(ARTERIES), len(places)))
    factors[ARTERIES.index("LM")] = before
    factors[[ARTERIES.index("LAD"), ARTERIES.index("LCX")]] = 1 - before * np.exp(-0.5 * np.square(aside / BESIDE_MM))
    return np.maximum(factors, LEAST)


def find_division(sightings: Mapping[str, Sighting]) -> tuple[NDArray[np.float64], float]:
    """The division of the left main (3,) in mm, and its spread along the vessel."""
    ostium = sightings[ORIGIN]
    course = np.asarray(LANDMARKS[DIVISION][0]) - np.asarray(LANDMARKS[ORIGIN][0])
    usual = ostium.place_mm + course * (LEFT_MAIN_MM / np.linalg.norm(course))
    precision = 1 / (ostium.spread_mm**2 + LEFT_MAIN_SPREAD_MM**2)
    place, total = usual * precision, precision
    if DIVISION in sightings:
        seen = sightings[DIVISION]
        place = place + seen.place_mm / seen.spread_mm**2
        total += 1 / seen.spread_mm**2
    return np.asarray(place / total), float(total**-0.5)
