"""The spread of a total, which the range takes in, as the comparison with an earlier scan does."""

from scoring.risk.spread import estimate_spread

__all__ = ["estimate_spread"]
