"""A figure with its interval, or with the reason why it has none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from scipy import special

LEVEL: Final = 0.95
"""Confidence of every interval."""
Z: Final = float(special.ndtri(0.5 + LEVEL / 2))

Missing = Literal["no_cases", "too_few", "one_category", "no_spread", "no_calcium", "all_calcium", "identical"]
"""Why there is no value or no interval: no pair, too few for this figure, one category alone, no variation, no reader
saw calcium, every reader saw some; "identical": all pairs agree perfectly, so that no width can be computed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value from `n` pairs with its 95 % interval; what is None has its reason in `missing`."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    missing: Missing | None = None

    @property
    def width(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def nothing(n: int, reason: Missing) -> Estimate:
    """A figure that cannot be computed."""
    return Estimate(None, None, None, n, reason)


def build(
    value: float, low: float, high: float, n: int, *, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """A figure whose interval is cut at the ends of its scale. Raises ValueError when a number is not finite."""
    limits = max(low, least), min(high, most)
    numbers = (value, *limits)
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"not a figure: {numbers}")
    return Estimate(float(value), float(limits[0]), float(limits[1]), n)


def share(count: int, of: int, reason: Missing = "no_cases") -> Estimate:
    """A proportion with its interval (Wilson, J Am Stat Assoc 1927;22:209); `reason` where it is one of nothing."""
    if of == 0:
        return nothing(0, reason)
    part, square = count / of, Z * Z / of
    middle = (part + square / 2) / (1 + square)
    half = Z * math.sqrt(part * (1 - part) / of + square / (4 * of)) / (1 + square)
    # at the ends the formula gives the end itself but for rounding
    low = 0.0 if count == 0 else middle - half
    high = 1.0 if count == of else middle + half
    return build(part, low, high, of, least=0.0, most=1.0)


def by_fisher(value: float, error: float, n: int) -> Estimate:
    """A correlation inside -1..1 with the interval of its Fisher transform, of standard error `error`."""
    middle = math.atanh(value)
    return build(value, math.tanh(middle - Z * error), math.tanh(middle + Z * error), n)


def map_estimate(one: Estimate, function: Callable[[float], float]) -> Estimate:
    """The figure on another scale, by an increasing function."""
    value, low, high = (None if number is None else function(number) for number in (one.value, one.low, one.high))
    return Estimate(value, low, high, one.n, one.missing)
