"""One phantom scan: its truth, its result, and the match between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from evaluation import matching
from evaluation.matching import Match
from evaluation.record import Record
from scoring.phantom import PhantomSpec, Truth, draw
from scoring.result import CATEGORIES, Artery, Lesion, Score


@dataclass(frozen=True)
class Scan:
    """A record with the spec of its seed."""

    record: Record
    spec: PhantomSpec

    @classmethod
    def of(cls, record: Record, matrix: int | None) -> Scan:
        """Draw the spec again."""
        return cls(record, draw(record.seed, matrix))

    @property
    def truth(self) -> Truth:
        """The known truth."""
        return self.record.truth

    @property
    def score(self) -> Score:
        """The measured score."""
        return self.record.score

    @property
    def is_fit(self) -> bool:
        """True if only a score is correct; with metal in the heart a refusal is correct, too."""
        return self.truth.refusal is None

    @property
    def refusal(self) -> str | None:
        """Code of the reason why there is no score."""
        return next((flag.code for flag in self.score.flags if flag.severity == "reject"), None)

    @property
    def true_level(self) -> int:
        """Index of the true category."""
        return CATEGORIES.index(self.truth.category)

    @property
    def measured_level(self) -> int | None:
        """Index of the measured category, None for a refused scan."""
        return None if self.score.category is None else CATEGORIES.index(self.score.category)

    @property
    def true_total(self) -> float:
        """Agatston of the noise-free slices."""
        return self.truth.agatston.total

    @property
    def measured_total(self) -> float:
        """Measured Agatston. Raises ValueError for a refused scan."""
        if self.score.agatston is None:
            raise ValueError("a refused scan has no total")
        return self.score.agatston.total

    @cached_property
    def match(self) -> Match:
        """The match of counted lesions and calcifications."""
        return matching.match(self.score.lesions, self.record.nearest_mm, self.truth, self.spec.slice_thickness_mm)

    @property
    def owned(self) -> Iterator[tuple[Lesion, Artery | None]]:
        """Each counted lesion with its true artery, None if it is not coronary calcium."""
        for lesion, index in zip(self.score.lesions, self.match.owners, strict=True):
            yield lesion, matching.artery(index, self.truth)

    @property
    def false(self) -> list[Lesion]:
        """Counted lesions that are not coronary calcium."""
        return [lesion for lesion, artery in self.owned if artery is None]

    @property
    def missed(self) -> list[tuple[Artery, float]]:
        """Artery and Agatston of the calcifications above the threshold that were not found."""
        return [
            (item.artery, item.agatston)
            for index, item in enumerate(self.truth.lesions)
            if item.agatston > 0 and index not in self.match.found
        ]

    @property
    def judged(self) -> Iterator[tuple[float, bool]]:
        """Confidence of each counted lesion and listed rejected candidate, and whether it is coronary calcium."""
        for lesion, artery in self.owned:
            yield lesion.confidence, artery is not None
        for candidate in self.score.rejected:
            index = matching.owner(candidate.centroid_mm, self.truth, self.spec.slice_thickness_mm)
            yield candidate.confidence, index is not None
