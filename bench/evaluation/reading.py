"""Real scans against a reader's result.

A folder holds one folder per scan, and `reference.json`: for each scan the reader's Agatston (`agatston`: `total` and
each artery) and, if known, the reader's outlines (`rois`: `agatston`, `center_mm`, `radius_mm`, `points_mm`); or
only the expected result (`expect`: categories, or `not_scorable`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evaluation import workers
from scoring import engine
from scoring.judgement.category import categorise
from scoring.result import CATEGORIES, Lesion, Score

MATCH_MM: Final = 5.0
NOT_SCORABLE: Final = "not_scorable"


@dataclass(frozen=True, slots=True)
class Case:
    """A scan: the names of its set and of itself, its folder, and its entry in `reference.json`."""

    group: str
    name: str
    folder: Path
    reference: dict[str, Any]

    @property
    def total(self) -> float | None:
        """Total of the reader."""
        return float(self.reference["agatston"]["total"]) if "agatston" in self.reference else None

    @property
    def expected(self) -> tuple[str, ...]:
        """The correct results."""
        if self.total is None:
            return tuple(self.reference["expect"])
        return (categorise(self.total, any_lesion=self.total > 0),)


@dataclass(frozen=True, slots=True)
class Reading:
    """A scan and its result; `false` and `missed` are Agatston, None if the reference does not show them."""

    case: Case
    score: Score | None
    error: str = ""

    @property
    def is_right(self) -> bool:
        """True if category or refusal is as expected."""
        if self.score is None:
            return False
        return (self.score.category or NOT_SCORABLE) in self.case.expected

    @property
    def false(self) -> float | None:
        """Agatston of the lesions outside all outlines; the total if the reader saw none."""
        if self.score is None or self.score.agatston is None:
            return None
        rois = self.case.reference.get("rois")
        if rois is None:
            nothing = self.case.expected == (CATEGORIES[0],)
            return self.score.agatston.total if nothing else None
        return math.fsum(lesion.agatston for lesion in self.score.lesions if not any(is_near(lesion, r) for r in rois))

    @property
    def missed(self) -> float | None:
        """Agatston of the outlines without a lesion nearby."""
        if self.score is None or self.score.agatston is None:
            return None
        rois = self.case.reference.get("rois")
        if rois is None:
            return 0.0 if self.case.expected == (CATEGORIES[0],) else None
        return math.fsum(r["agatston"] for r in rois if not any(is_near(lesion, r) for lesion in self.score.lesions))


def is_near(lesion: Lesion, outline: dict[str, Any]) -> bool:
    """Return whether the centre of a lesion is within 5 mm of an outline or its circle."""
    return math.dist(lesion.centroid_mm, outline["center_mm"]) <= MATCH_MM + outline["radius_mm"] or any(
        math.dist(lesion.centroid_mm, point) <= MATCH_MM for point in outline["points_mm"]
    )


def cases(folders: Sequence[Path]) -> list[Case]:
    """Return the scans in the folders. Raises OSError without a `reference.json`, ValueError if it is not JSON."""
    return [
        Case(folder.name, name, folder / name, reference)
        for folder in folders
        for name, reference in sorted(json.loads((folder / "reference.json").read_text("utf-8")).items())
    ]


def run(scans: Sequence[Case], jobs: int) -> list[Reading]:
    """Score the scans; an error is also recorded as a reading."""
    readings: dict[int, Reading] = {}
    numbered = list(enumerate(scans))
    for (number, case), result in workers.results(_score, numbered, jobs, "real scans"):
        if isinstance(result, BaseException):
            readings[number] = Reading(case, None, f"{type(result).__name__}: {result}")
        else:
            readings[number] = Reading(case, result)
    return [readings[number] for number, _ in numbered]


def _score(item: tuple[int, Case]) -> Score:
    return engine.score([item[1].folder])
