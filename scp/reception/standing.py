"""How a series stands against what was announced of it: by the scanner, a request for commitment, the source."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from storage.series.expectations import Expectation, Source

_WHOSE: Final[Mapping[Source, str]] = {
    "mpps": "announced by the scanner",
    "commitment": "named in a request for storage commitment",
    "witness": "counted by the source",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`is_met`: a source has said its last word, and nothing that any of them announced is missing.

    `missing` is in words for the operator, empty where nothing is.
    """

    is_met: bool
    missing: str


def weigh(expectations: Collection[Expectation]) -> Standing:
    """Weigh the announcements of a series against each other: the one that misses most counts."""
    worst = max(expectations, key=lambda item: item.missing, default=None)
    if worst is None or not worst.missing:
        return Standing(is_met=any(item.final for item in expectations), missing="")
    return Standing(is_met=False, missing=describe(worst))


def describe(item: Expectation) -> str:
    """Say how much of an announcement is missing."""
    come = "has" if item.missing == 1 else "have"
    return f"{item.missing} of {item.expected} images {_WHOSE[item.source]} {come} not come"
