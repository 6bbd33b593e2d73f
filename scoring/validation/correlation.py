"""Correlation of two readings: Pearson, Spearman, and Lin's concordance.

A correlation alone is no agreement: readings that differ by a factor correlate perfectly. Lin's coefficient is 1 only
where both are equal.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scoring.validation.estimate import Estimate, by_fisher, nothing

_LEAST = 4
_ONE = 1 - 1e-12


def estimate_pearson(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
    """Product-moment correlation, with the interval of Fisher (Metron 1921;1:3)."""
    missing = _find_missing(ours, theirs)
    if missing is not None:
        return missing
    value = _correlate(ours, theirs)
    return _finish(value, 1 / math.sqrt(len(ours) - 3), len(ours))


def estimate_spearman(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
    """Rank correlation, with the standard error of Bonett and Wright (Psychometrika 2000;65:23)."""
    missing = _find_missing(ours, theirs)
    if missing is not None:
        return missing
    from scipy import stats  # noqa: PLC0415  # takes seconds to import, and pages are to answer soon after a start

    value = _correlate(stats.rankdata(ours), stats.rankdata(theirs))
    return _finish(value, math.sqrt((1 + value**2 / 2) / (len(ours) - 3)), len(ours))


def estimate_concordance(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
    """Lin's concordance correlation (Biometrics 1989;45:255), its variance as corrected in Biometrics 2000;56:324."""
    missing = _find_missing(ours, theirs)
    if missing is not None:
        return missing
    n, shift = len(ours), float(ours.mean() - theirs.mean())
    variances = float(ours.var()), float(theirs.var())
    covariance = float(((ours - ours.mean()) * (theirs - theirs.mean())).mean())
    value = 2 * covariance / (sum(variances) + shift**2)
    r = _correlate(ours, theirs)
    if abs(value) >= _ONE:
        return Estimate(value, None, None, n, "identical")
    if abs(r) < 1e-12:
        return nothing(n, "no_spread")
    u, rest = shift / math.prod(variances) ** 0.25, 1 - value**2
    variance = (
        (1 - r**2) * value**2 / (rest * r**2)
        + 2 * value**3 * (1 - value) * u**2 / (r * rest**2)
        - value**4 * u**4 / (2 * r**2 * rest**2)
    ) / (n - 2)
    return by_fisher(value, math.sqrt(max(variance, 0.0)), n)


def _correlate(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    a, b = ours - ours.mean(), theirs - theirs.mean()
    return float(np.clip((a @ b) / math.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def _finish(value: float, error: float, n: int) -> Estimate:
    return Estimate(value, None, None, n, "identical") if abs(value) >= _ONE else by_fisher(value, error, n)


def _find_missing(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate | None:
    n = len(ours)
    if n < _LEAST:
        return nothing(n, "too_few" if n else "no_cases")
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return nothing(n, "no_spread")
    return None
