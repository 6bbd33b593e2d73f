"""The cases that a person should look at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from scoring.validation.pair import Pair

Why = Literal["false_zero", "false_positive", "categories", "category", "outside_range", "difference"]
"""Why a case is bad: our 0 beside calcium, calcium beside a reader's 0, two or more categories apart, one category
apart, the reader's total outside our own range, or only far apart."""

_ORDER: Final[tuple[Why, ...]] = (
    "false_zero",
    "false_positive",
    "categories",
    "category",
    "outside_range",
    "difference",
)


@dataclass(frozen=True, slots=True)
class Worst:
    """A pair and why it is listed."""

    pair: Pair
    why: Why


def list_worst(pairs: Iterable[Pair], most: int | None = None) -> tuple[Worst, ...]:
    """List the worst pairs, false zeros first, the largest difference first among those of one kind.

    Without a limit every pair is listed that is in another category or outside our range; the rest follows only up to
    `most`.
    """
    known = [Worst(pair, find_why(pair)) for pair in pairs]
    known.sort(key=lambda one: (_ORDER.index(one.why), -abs(one.pair.root_difference), one.pair.series_instance_uid))
    if most is None:
        return tuple(one for one in known if one.why != "difference")
    return tuple(known[:most])


def find_why(pair: Pair) -> Why:
    """Return the gravest thing that is wrong with a pair."""
    if pair.theirs.has_calcium and not pair.ours.has_calcium:
        return "false_zero"
    if pair.ours.has_calcium and not pair.theirs.has_calcium:
        return "false_positive"
    if abs(pair.distance) > 1:
        return "categories"
    if pair.distance:
        return "category"
    return "difference" if pair.is_within_range else "outside_range"
