"""What the network benches print: medians over the rounds, ratios within a round, and where it was measured."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from evaluation.table import number, table

__all__ = ["machine", "median", "number", "quantile", "ratio", "table", "write"]


def median(values: Iterable[float]) -> float:
    """The middle of the values that there are; NaN when there is none."""
    known = [value for value in values if math.isfinite(value)]
    return statistics.median(known) if known else math.nan


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values does not exceed (nearest rank); NaN when there is none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else math.nan


def ratio(values: Mapping[int, float], others: Mapping[int, float]) -> float:
    """Median of value / other in the same round: a machine that slows down between rounds does not change it."""
    return median(values[key] / others[key] for key in values if others.get(key))


def machine() -> str:
    """One line: processors, system, Python, libraries."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("pydicom", "pynetdicom"))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {system}, {libraries}"


def write(text: str, path: Path | None) -> None:
    """Print a table, and keep it when there is a path."""
    print(text)
    if path is not None:
        path.write_text(text, encoding="utf-8")
