"""Real scans against what a reader found in them.

A folder holds one folder a scan, and `reference.json`: for each scan the reader's Agatston (`agatston`: `total` and
each artery) with, where known, the reader's outlines (`rois`: `agatston`, `center_mm`, `radius_mm`, `points_mm`); or
only what is to be expected (`expect`: categories, or `not_scorable`).
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
from scoring.result import CATEGORIES, Lesion, Score
from scoring.risk import context

MATCH_MM: Final = 5.0
NOT_SCORABLE: Final = "not_scorable"


@dataclass(frozen=True, slots=True)
class Case:
    """A scan: the name of its set and its own, its folder, and its entry in `reference.json`."""

    group: str
    name: str
    folder: Path
    reference: dict[str, Any]

    @property
    def total(self) -> float | None:
        """The reader's total."""
        return float(self.reference["agatston"]["total"]) if "agatston" in self.reference else None

    @property
    def expected(self) -> tuple[str, ...]:
        """The answers that are right."""
        if self.total is None:
            return tuple(self.reference["expect"])
        return (context.category(self.total, any_lesion=self.total > 0),)


@dataclass(frozen=True, slots=True)
class Reading:
    """A scan and what was found in it; `false` and `missed` are Agatston, None where the reference cannot tell."""

    case: Case
    score: Score | None
    error: str = ""

    @property
    def is_right(self) -> bool:
        """Whether category or refusal is as expected."""
        if self.score is None:
            return False
        return (self.score.category or NOT_SCORABLE) in self.case.expected

    @property
    def false(self) -> float | None:
        """Agatston of the lesions outside all outlines; all of it where the reader saw none."""
        if self.score is None or self.score.agatston is None:
            return None
        rois = self.case.reference.get("rois")
        if rois is None:
            nothing = self.case.expected == (CATEGORIES[0],)
            return self.score.agatston.total if nothing else None
        return math.fsum(lesion.agatston for lesion in self.score.lesions if not any(near(lesion, r) for r in rois))

    @property
    def missed(self) -> float | None:
        """Agatston of the outlines without a lesion near."""
        if self.score is None or self.score.agatston is None:
            return None
        rois = self.case.reference.get("rois")
        if rois is None:
            return 0.0 if self.case.expected == (CATEGORIES[0],) else None
        return math.fsum(r["agatston"] for r in rois if not any(near(lesion, r) for lesion in self.score.lesions))


def near(lesion: Lesion, outline: dict[str, Any]) -> bool:
    """Whether the middle of a lesion is within 5 mm of an outline or of its circle."""
    return math.dist(lesion.centroid_mm, outline["center_mm"]) <= MATCH_MM + outline["radius_mm"] or any(
        math.dist(lesion.centroid_mm, point) <= MATCH_MM for point in outline["points_mm"]
    )


def cases(folders: Sequence[Path]) -> list[Case]:
    """The scans of the folders. Raises OSError without a `reference.json`, ValueError where it is no JSON."""
    return [
        Case(folder.name, name, folder / name, reference)
        for folder in folders
        for name, reference in sorted(json.loads((folder / "reference.json").read_text("utf-8")).items())
    ]


def run(found: Sequence[Case], jobs: int) -> list[Reading]:
    """Score the scans; an error is a reading too."""
    made: dict[int, Reading] = {}
    numbered = list(enumerate(found))
    for (number, case), result in workers.results(_score, numbered, jobs, "real scans"):
        if isinstance(result, BaseException):
            made[number] = Reading(case, None, f"{type(result).__name__}: {result}")
        else:
            made[number] = Reading(case, result)
    return [made[number] for number, _ in numbered]


def _score(item: tuple[int, Case]) -> Score:
    return engine.score([item[1].folder])
