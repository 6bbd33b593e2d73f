"""Cohen's kappa of two readings in ordered categories: unweighted, linearly and quadratically weighted.

The interval is that of the large-sample variance of Fleiss, Cohen and Everitt (Psychol Bull 1969;72:323). Where every
pair agrees that variance is 0, whatever the number of pairs. The lower limit is then the kappa that would have been
observed if only the lower exact limit of the agreement (Clopper and Pearson, Biometrika 1934;26:404) were the true one.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scoring.validation.estimate import LEVEL, Estimate, Z, build, nothing

Weighting = Literal["none", "linear", "quadratic"]
WEIGHTINGS: Final[tuple[Weighting, ...]] = ("none", "linear", "quadratic")


def weigh(levels: int, weighting: Weighting) -> NDArray[np.float64]:
    """Weights of agreement, (levels, levels): 1 on the diagonal, falling with the distance of the categories."""
    index = np.arange(levels)
    distance = np.abs(index[:, None] - index[None, :]) / max(levels - 1, 1)
    if weighting == "none":
        return np.eye(levels)
    weights: NDArray[np.float64] = 1.0 - distance if weighting == "linear" else 1.0 - distance**2
    return weights


def estimate_kappa(matrix: NDArray[np.int64], weighting: Weighting) -> Estimate:
    """Kappa of a square table of counts, readers in rows.

    Where each of the readings names one category for every case, kappa has no value; where one of them does, it is 0
    without an interval.
    """
    n = int(matrix.sum())
    if n == 0:
        return nothing(0, "no_cases")
    shares = matrix / n
    weights = weigh(len(matrix), weighting)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, chance = float((weights * shares).sum()), float(rows @ weights @ columns)
    constant = [bool((matrix.sum(axis=axis) == n).any()) for axis in (0, 1)]
    if all(constant):
        return nothing(n, "one_category")
    value = (observed - chance) / (1 - chance)
    if any(constant):
        # one of them says the same of every case: kappa is 0 whatever the other says, and so has no interval
        return Estimate(0.0, None, None, n, "one_category")
    if int(np.trace(matrix)) == n:
        lowest = float(special.betaincinv(n, 1, (1 - LEVEL) / 2))
        return build(value, (lowest - chance) / (1 - chance), 1.0, n, least=-1.0, most=1.0)
    half = Z * _compute_variance(shares, weights, observed, chance, n) ** 0.5
    return build(value, value - half, value + half, n, least=-1.0, most=1.0)


def _compute_variance(
    shares: NDArray[np.float64], weights: NDArray[np.float64], observed: float, chance: float, n: int
) -> float:
    """Equation 10 of Fleiss, Cohen and Everitt 1969: the variance of weighted kappa that is not 0 in truth."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    by_row, by_column = weights @ columns, rows @ weights
    inner = weights * (1 - chance) - (by_row[:, None] + by_column[None, :]) * (1 - observed)
    spread = float((shares * inner**2).sum()) - (observed * chance - 2 * chance + observed) ** 2
    return max(spread, 0.0) / (n * (1 - chance) ** 4)
