"""The range in which the total lies in nine of ten cases: doubt about what candidates are, and about measuring them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

DRAWS: Final = 4000
HELD: Final = 0.9
"""Share of the totals that the range is to hold."""
TOGETHER: Final = 0.5
"""Correlation between candidates of one artery with the same alternative: what casts doubt on one of them, a course
that is misplaced or a ring that runs beside it, casts doubt on the next."""
_OPEN: Final = 1e-3
_SEED: Final = 1990


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A candidate as far as the range is concerned: its Agatston, its confidence, and its kind of doubt.

    `doubt` names the artery and what the candidate would be otherwise.
    """

    agatston: float
    confidence: float
    counted: bool
    doubt: str


def find_range(items: Sequence[Doubtful], spread: Callable[[float], float]) -> tuple[float, float]:
    """The 5th percentile of what was counted and the 95th of all, widened where they do not hold what was counted.

    Each candidate belongs to the total with its confidence; candidates with the same doubt stand or fall
    together more often than not. Many faint possibilities raise the upper end; the lower one asks only how much of what
    was counted is wrong. `spread` is the standard deviation with which a total is measured. The draws are the same for
    the same candidates in any order.
    """
    total = sum(item.agatston for item in items if item.counted)
    possible = [item for item in items if item.confidence > _OPEN]
    if not possible:
        return total, total
    ordered = sorted(possible, key=lambda item: (item.doubt, -item.agatston, item.confidence))
    amount = np.array([item.agatston for item in ordered])
    present = _draw(ordered)
    counted = np.array([item.counted for item in ordered])
    low = np.quantile(_measure(present @ (amount * counted), spread), (1 - HELD) / 2)
    high = np.quantile(_measure(present @ amount, spread), (1 + HELD) / 2)
    return min(float(low), total), max(float(high), total)


def _measure(totals: NDArray[np.float64], spread: Callable[[float], float]) -> NDArray[np.float64]:
    """Totals (draws,) as scans would measure them."""
    chance = np.random.default_rng(_SEED + 1).normal(0, 1, DRAWS)
    sd = np.interp(totals, (grid := np.linspace(0, max(totals.max(), 1.0), 50)), [spread(float(v)) for v in grid])
    return np.asarray(np.maximum(totals + sd * chance * (totals > 0), 0.0))


def _draw(items: Sequence[Doubtful]) -> NDArray[np.float64]:
    """Whether each candidate is coronary calcium, 0 or 1, in every draw: (draws, items)."""
    rng = np.random.default_rng(_SEED)
    names = sorted({item.doubt for item in items})
    common = rng.normal(0, 1, (DRAWS, len(names)))
    own = rng.normal(0, 1, (DRAWS, len(items)))
    group = np.array([names.index(item.doubt) for item in items])
    mixed = np.sqrt(TOGETHER) * common[:, group] + np.sqrt(1 - TOGETHER) * own
    limits = ndtri(np.array([item.confidence for item in items]))
    return np.asarray(mixed < limits, dtype=np.float64)
