"""How much two scans of an unchanged patient differ: 95 % limits of a repeated scan.

Published limits: Chung et al., AJR 2008. They are taken to hold for slices of the method's 3 mm; where those of a scan
lie further apart, the spread that this adds widens the limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from scoring.risk.spread import USUAL_SPACING_MM, estimate_spread

NORMAL_95: Final = 1.96
"""Standard deviations within which 95 % of a normal distribution lie."""


def agatston_limit(earlier: float, bmi: float, spacings_mm: Sequence[float | None] = ()) -> float:
    """95 % limit of a repeated scan for an Agatston score, never below 0; `bmi` in kg/m2.

    `spacings_mm` are the slice spacings of the two scans, None where not known. What they add is independent of the
    rest and of each other, so squares add.
    """
    published = max(0.0, 0.17 * earlier + 4.89 * math.sqrt(earlier) + 0.44 * bmi - 10.84)
    added = math.hypot(*(added_spread(earlier, spacing) for spacing in spacings_mm))
    return round(math.hypot(published, NORMAL_95 * added), 4)


def volume_limit(earlier: float, bmi: float) -> float:
    """95 % limit of a repeated scan for a volume in mm3, never below 0; `bmi` in kg/m2."""
    return round(max(0.0, 0.16 * earlier + 4.30 * math.sqrt(earlier) + 0.23 * bmi - 5.00), 4)


def added_spread(agatston: float, spacing_mm: float | None) -> float:
    """Standard deviation (Agatston) that slices further apart than 3 mm add to a total; 0 for any others."""
    if spacing_mm is None or spacing_mm <= USUAL_SPACING_MM:
        return 0.0
    usual = estimate_spread(agatston, USUAL_SPACING_MM)
    return math.sqrt(estimate_spread(agatston, spacing_mm) ** 2 - usual**2)
