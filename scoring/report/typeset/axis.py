"""An axis with room for scores from nothing to thousands: linear in ln(score + 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_TICKS: Final = (0, 10, 100, 400, 1000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class LogAxis:
    """Places from `start` (a score of 0) to `end` (a score of `most`, at least 1)."""

    start: float
    end: float
    most: float

    def at(self, score: float) -> float:
        """Place of a score; beyond the ends, the end."""
        part = math.log1p(min(max(score, 0.0), self.most)) / math.log1p(self.most)
        return self.start + part * (self.end - self.start)

    def ticks(self, gap: float) -> list[int]:
        """Round scores on the axis, at least `gap` apart."""
        kept: list[int] = []
        for score in _TICKS:
            if score <= self.most and all(abs(self.at(score) - self.at(other)) >= gap for other in kept):
                kept.append(score)
        return kept
