"""Limits of agreement (Bland and Altman, Lancet 1986;i:307; Stat Methods Med Res 1999;8:135).

Differences of Agatston scores spread more the larger the scores are, so that limits in units of the score are too wide
for small ones and too narrow for large ones. The spread of a repeated scan grows with the square root of the score;
limits of the differences of square roots hold for all of them, and are given back as scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scoring.validation.correlation import estimate_spearman
from scoring.validation.estimate import LEVEL, Estimate, Missing, Z, build, nothing

REFERENCE_SCORES: Final = (10.0, 100.0, 400.0, 1000.0)
"""Scores of a reader for which the limits of square roots are told as scores."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Between which scores of ours 95 % lie when the reader's is `reader` (both Agatston)."""

    reader: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Ours minus theirs: mean (`bias`) and limits that hold 95 % of differences, each with its interval.

    `deviation` is the standard deviation of the differences; `widening` is the rank correlation of their size with the
    mean of both values: above 0 the spread grows with the value.
    """

    bias: Estimate
    lower: Estimate
    upper: Estimate
    deviation: float | None
    widening: Estimate


def compute_limits(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Limits:
    """Limits of agreement of two readings of the same targets, in their unit."""
    n = len(ours)
    differences = ours - theirs
    widening = estimate_spearman((ours + theirs) / 2, np.abs(differences))
    if n < 3:
        reason: Missing = "too_few" if n else "no_cases"
        mean = Estimate(float(differences.mean()), None, None, n, reason) if n else nothing(n, reason)
        return Limits(mean, nothing(n, reason), nothing(n, reason), None, widening)
    bias, deviation = float(differences.mean()), float(differences.std(ddof=1))
    quantile = float(special.stdtrit(n - 1, 0.5 + LEVEL / 2))
    half = quantile * deviation / math.sqrt(n)
    # Bland and Altman 1999, section 3: the variance of a limit
    half_limit = quantile * deviation * math.sqrt(1 / n + Z * Z / (2 * (n - 1)))
    lower, upper = bias - Z * deviation, bias + Z * deviation
    return Limits(
        build(bias, bias - half, bias + half, n),
        build(lower, lower - half_limit, lower + half_limit, n),
        build(upper, upper - half_limit, upper + half_limit, n),
        deviation,
        widening,
    )


def expect_scores(roots: Limits) -> tuple[Expected, ...]:
    """Where our score lies beside a reader's of 10, 100, 400 and 1000, by limits of the square roots."""
    low, high = roots.lower.value, roots.upper.value
    if low is None or high is None:
        return ()
    return tuple(
        Expected(score, max(math.sqrt(score) + low, 0.0) ** 2, max(math.sqrt(score) + high, 0.0) ** 2)
        for score in REFERENCE_SCORES
    )
