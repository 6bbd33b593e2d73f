"""Published means and spreads of each measure, from `reference.toml`."""

from __future__ import annotations

import math
import statistics
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

Unit = Literal["mm", "deg", "%"]

_FILE: Final = Path(__file__).with_name("reference.toml")


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of one number; NaN where unknown."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Reference:
    """What is published on one measure: a `Spread` for each of its `parts`.

    `is_point` marks a point on an artery, whose parts are its coordinates.
    """

    name: str
    unit: Unit
    parts: tuple[str, ...]
    spreads: tuple[Spread, ...]
    sources: tuple[str, ...]
    is_point: bool

    @classmethod
    def parse(cls, entry: dict[str, Any]) -> Self:
        """Make a reference of an entry of the file; raises ValueError where a value is missing for a part."""
        parts, values = entry["parts"], entry["values"]
        absent = [math.nan] * len(parts)
        spreads = [
            [Spread(*pair) for pair in zip(value["mean"], value.get("sd", absent), strict=True)] for value in values
        ]
        return cls(
            name=entry["name"],
            unit=entry["unit"],
            parts=tuple(parts),
            spreads=tuple(pool(same) for _, *same in zip(parts, *spreads, strict=True)),
            sources=tuple(value["source"] for value in values),
            is_point=entry.get("point", False),
        )


def pool(spreads: list[Spread]) -> Spread:
    """Return mean and SD of a population of which each source saw an equal share.

    Where sources disagree, the spread grows. A source without an SD counts for the mean alone, and for how far the
    means lie apart.
    """
    mean = statistics.fmean(s.mean for s in spreads)
    within = [s.sd**2 for s in spreads if math.isfinite(s.sd)]
    if not within:
        return Spread(mean, math.nan)
    return Spread(mean, math.sqrt(statistics.fmean(within) + statistics.fmean((s.mean - mean) ** 2 for s in spreads)))


def read() -> tuple[tuple[Reference, ...], dict[str, str]]:
    """Return the references in the order of the file, and what the names of their sources mean."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(Reference.parse(entry) for entry in content["measures"]), content["sources"]
