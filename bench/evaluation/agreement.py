"""Agreement between two readings of the same scans, and calibration of confidences.

Pairs are (true, measured). Anything that cannot be computed, for instance from too few pairs, is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Pairs = Sequence[tuple[float, float]]

NORMAL_95: Final = 1.96
FEWEST: Final = 2


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Mean difference (measured - true), its standard deviation (n - 1), and mean -/+ 1.96 of it."""

    bias: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Candidates in a range of confidence: their number, the number of true ones, and their mean confidence."""

    low: float
    high: float
    count: int
    true: int
    confidence: float

    @property
    def share(self) -> float:
        """Share of the candidates that are true."""
        return self.true / self.count if self.count else math.nan


def weighted_kappa(pairs: Sequence[tuple[int, int]], levels: int = 4) -> float:
    """Return Cohen's linearly weighted kappa of pairs of levels 0 to `levels` - 1 (Cohen, Psychol Bull 1968;70:213)."""
    if not pairs:
        return math.nan
    number = len(pairs)
    rows = [sum(true == level for true, _ in pairs) for level in range(levels)]
    columns = [sum(measured == level for _, measured in pairs) for level in range(levels)]
    apart = sum(abs(true - measured) for true, measured in pairs) / number
    by_chance = sum(rows[i] * columns[j] * abs(i - j) for i in range(levels) for j in range(levels)) / number**2
    return 1 - apart / by_chance if by_chance else math.nan


def icc(pairs: Pairs) -> float:
    """Return ICC(2,1): two-way random effects, absolute agreement, single rater.

    Shrout and Fleiss, Psychol Bull 1979;86:420.
    """
    number = len(pairs)
    if number < FEWEST:
        return math.nan
    means = [sum(pair) / 2 for pair in pairs]
    raters = [math.fsum(pair[rater] for pair in pairs) / number for rater in (0, 1)]
    grand = math.fsum(means) / number
    between = 2 * math.fsum((mean - grand) ** 2 for mean in means) / (number - 1)
    rater = number * math.fsum((mean - grand) ** 2 for mean in raters)
    rest = math.fsum(
        (pair[k] - mean - raters[k] + grand) ** 2 for pair, mean in zip(pairs, means, strict=True) for k in (0, 1)
    ) / (number - 1)
    whole = between + rest + 2 * (rater - rest) / number
    return (between - rest) / whole if whole else math.nan


def bland_altman(pairs: Pairs) -> BlandAltman:
    """Return bias and limits of agreement (Bland and Altman, Lancet 1986;327:307)."""
    differences = [measured - true for true, measured in pairs]
    bias, sd = mean(differences), deviation(differences)
    return BlandAltman(bias, sd, bias - NORMAL_95 * sd, bias + NORMAL_95 * sd)


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean."""
    return math.fsum(values) / len(values) if values else math.nan


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample (n - 1)."""
    if len(values) < FEWEST:
        return math.nan
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile for a share (0 to 1) of the values, linear between neighbours."""
    if not values:
        return math.nan
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def wilson(count: int, number: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, J Am Stat Assoc 1927;22:209)."""
    if number == 0:
        return math.nan, math.nan
    share, square = count / number, NORMAL_95**2
    middle = share + square / (2 * number)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / number + square / (4 * number**2))
    return (middle - half) / (1 + square / number), (middle + half) / (1 + square / number)


def bins(judged: Sequence[tuple[float, bool]], number: int = 10) -> list[Bin]:
    """Sort (confidence, true) into equal ranges of confidence; each includes its lower end, the last one also 1."""
    parts: list[list[tuple[float, bool]]] = [[] for _ in range(number)]
    for confidence, true in judged:
        # A rounding error must not move 0.3 (0.3 * 10 is 3.0000000000000004, 0.29 * 100 is 28.999999999999996).
        parts[min(math.floor(round(confidence * number, 9)), number - 1)].append((confidence, true))
    return [
        Bin(
            index / number,
            (index + 1) / number,
            len(part),
            sum(true for _, true in part),
            mean([confidence for confidence, _ in part]),
        )
        for index, part in enumerate(parts)
    ]


def calibration_error(parts: Sequence[Bin]) -> float:
    """Return the mean absolute difference between confidence and share, weighted by candidates per bin."""
    number = sum(part.count for part in parts)
    if number == 0:
        return math.nan
    return math.fsum(part.count * abs(part.share - part.confidence) for part in parts if part.count) / number


def brier(judged: Sequence[tuple[float, bool]]) -> float:
    """Return the mean square of confidence minus truth (Brier, Mon Weather Rev 1950;78:1)."""
    return mean([(confidence - true) ** 2 for confidence, true in judged])
