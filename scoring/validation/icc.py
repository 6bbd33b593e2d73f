"""Intraclass correlation of single readings in a two-way layout (Shrout and Fleiss, Psychol Bull 1979;86:420).

ICC(2,1) is absolute agreement: a constant difference between the readings lowers it. ICC(3,1) is consistency: it does
not. The intervals are those of McGraw and Wong (Psychol Methods 1996;1:30, table 7; corrected 1996;1:390).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scoring.validation.estimate import LEVEL, Estimate, build, nothing

_TAIL = 1 - (1 - LEVEL) / 2


@dataclass(frozen=True, slots=True)
class _Squares:
    """Mean squares of targets, readings and residual; `n` targets by `k` readings."""

    targets: float
    readings: float
    rest: float
    n: int
    k: int


def estimate_agreement(values: NDArray[np.float64]) -> Estimate:
    """ICC(2,1) of an array (targets, readings)."""
    squares = _compute_squares(values)
    if isinstance(squares, Estimate):
        return squares
    n, k, rest = squares.n, squares.k, squares.rest
    below = squares.targets + (k - 1) * rest + k * (squares.readings - rest) / n
    if below <= 0 or squares.targets == rest == 0:
        return nothing(n, "no_spread")
    value = (squares.targets - rest) / below
    if rest == 0 and squares.readings == 0:
        return Estimate(1.0, None, None, n, "identical")
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    parts = (a * squares.readings) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    freedom = (a * squares.readings + b * rest) ** 2 / parts
    others = k * squares.readings + (k * n - k - n) * rest
    lower, upper = float(special.fdtri(n - 1, freedom, _TAIL)), float(special.fdtri(freedom, n - 1, _TAIL))
    low = n * (squares.targets - lower * rest) / (lower * others + n * squares.targets)
    high = n * (upper * squares.targets - rest) / (others + n * upper * squares.targets)
    return build(value, low, high, n, least=-1.0, most=1.0)


def estimate_consistency(values: NDArray[np.float64]) -> Estimate:
    """ICC(3,1) of an array (targets, readings)."""
    squares = _compute_squares(values)
    if isinstance(squares, Estimate):
        return squares
    n, k, rest = squares.n, squares.k, squares.rest
    below = squares.targets + (k - 1) * rest
    if below <= 0:
        return nothing(n, "no_spread")
    if rest == 0:
        return Estimate(1.0, None, None, n, "identical")
    ratio, freedom = squares.targets / rest, (n - 1) * (k - 1)
    low = ratio / float(special.fdtri(n - 1, freedom, _TAIL))
    high = ratio * float(special.fdtri(freedom, n - 1, _TAIL))
    return build((squares.targets - rest) / below, (low - 1) / (low + k - 1), (high - 1) / (high + k - 1), n)


def _compute_squares(values: NDArray[np.float64]) -> _Squares | Estimate:
    """The mean squares of the analysis of variance, or why there are none; rounding errors count as 0."""
    n, k = values.shape
    if n < 3:
        return nothing(n, "too_few" if n else "no_cases")
    grand = values.mean()
    by_target, by_reading = values.mean(axis=1), values.mean(axis=0)
    residual = values - by_target[:, None] - by_reading[None, :] + grand
    targets = k * float(((by_target - grand) ** 2).sum()) / (n - 1)
    readings = n * float(((by_reading - grand) ** 2).sum()) / (k - 1)
    rest = float((residual**2).sum()) / ((n - 1) * (k - 1))
    noise = float(np.abs(values).max(initial=0.0)) ** 2 * 1e-24
    targets, readings, rest = (0.0 if square <= noise else square for square in (targets, readings, rest))
    return _Squares(targets, readings, rest, n, k)
