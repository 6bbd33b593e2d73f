"""How many cases a figure of a given precision needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.validation.estimate import Z
from scoring.validation.kappa import Weighting, estimate_kappa

ASSUMED_SHARES: Final = (0.4, 0.3, 0.15, 0.15)
"""Shares of the four categories that a plan assumes before anything was read."""
HIGHEST_SHARE: Final = 0.95
"""A plan expects no sensitivity above this: one seen in a few cases may be luck."""

_MODEL_CASES: Final = 1_000_000
_MOST: Final = 1_000_000


def cases_for_kappa(
    kappa: float, half_width: float, shares: Sequence[float] = ASSUMED_SHARES, weighting: Weighting = "linear"
) -> int:
    """The number of cases with which the interval of kappa reaches `half_width` to each side.

    The model: both readings agree for certain in a share `kappa` of the cases, and by chance in the rest; each has the
    categories in `shares`. Then every weighting has that same kappa, and its large-sample variance gives the number.
    """
    matrix = model_matrix(kappa, shares)
    width = estimate_kappa(matrix, weighting).width
    if width is None:
        raise ValueError(f"no plan for a kappa of {kappa} in categories {tuple(shares)}")
    # the interval shrinks with the square root of the number
    return math.ceil(int(matrix.sum()) * (width / half_width) ** 2)


def model_matrix(kappa: float, shares: Sequence[float]) -> NDArray[np.int64]:
    """The table of counts that two readings of the model have."""
    part = np.array(shares, dtype=float)
    part /= part.sum()
    expected = kappa * np.diag(part) + (1 - kappa) * np.outer(part, part)
    return np.rint(expected * _MODEL_CASES).astype(np.int64)


def cases_for_share(part: float, half_width: float) -> int:
    """The number of cases with which Wilson's interval of an expected proportion reaches `half_width` on average."""
    expected = min(part, HIGHEST_SHARE)
    low, high = 1, _MOST
    while low < high:
        middle = (low + high) // 2
        if _width(expected, middle) <= half_width:
            high = middle
        else:
            low = middle + 1
    return low


def _width(part: float, of: int) -> float:
    """Half the width of Wilson's interval of a proportion that need not be a whole number of cases."""
    square = Z * Z / of
    return Z * math.sqrt(part * (1 - part) / of + square / (4 * of)) / (1 + square)
