"""How far the total of one scan spreads by chance: where the slices fall, and noise."""

from __future__ import annotations

import math
from typing import Final

USUAL_SPACING_MM: Final = 3.0
"""Slice spacing that the Agatston score is defined on."""

SPREAD_AT_REFERENCE: Final = 1.0
"""Standard deviation of a score of 1 at a spacing of 3 mm; measured by `bench/repeatability.py`."""


def estimate_spread(agatston: float, spacing_mm: float) -> float:
    """Standard deviation (Agatston) of repeated totals of the same calcium, from slice phase and noise alone.

    It grows with the square root of the score, because a larger one is a sum over more slices, and with the slice
    spacing, because each slice is counted whole or not at all. On phantoms sd / sqrt(score) is 0.45, 0.78, 1.03 and
    1.71 at 1.5, 2.5, 3 and 5 mm, at 3 mm alike with 10 or 20 HU of noise and with motion of 1.5 mm; over a score of 400
    it is up to 30 % more.
    What moves between two visits of a patient (position, heart rate, dose) adds to it.
    """
    return SPREAD_AT_REFERENCE * spacing_mm / USUAL_SPACING_MM * math.sqrt(max(agatston, 0.0))
