"""Output of the network benchmarks: medians over the rounds, ratios within a round, and the machine."""

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
    """Return the median of the finite values; NaN if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return statistics.median(finite) if finite else math.nan


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value not exceeded by a share of the values (nearest rank); NaN if there are none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else math.nan


def ratio(values: Mapping[int, float], others: Mapping[int, float]) -> float:
    """Return the median of value / other within rounds, robust to a machine that slows down between rounds."""
    return median(values[key] / others[key] for key in values if others.get(key))


def machine() -> str:
    """Describe the machine in one line: processors, system, Python, libraries."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("pydicom", "pynetdicom"))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {system}, {libraries}"


def write(text: str, path: Path | None) -> None:
    """Print a table, and save it if a path is given."""
    print(text)
    if path is not None:
        path.write_text(text, encoding="utf-8")
