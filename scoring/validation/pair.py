"""One scan with our value and a reader's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from scoring.result import CATEGORIES, Artery, Category

Origin = Literal["file", "report", "page", "review"]
"""Where a reader's value is from: a CSV file, a structured report, the form of the page, or a review of ours that the
reader signed, who had our result in view."""
ORIGINS: Final[tuple[Origin, ...]] = ("file", "report", "page", "review")

UNKNOWN: Final = ""
"""Where a header does not say."""


@dataclass(frozen=True, slots=True)
class Values:
    """Agatston scores of one scan; `arteries` has those that are known."""

    total: float
    category: Category
    arteries: Mapping[Artery, float] = field(default_factory=dict)

    @property
    def level(self) -> int:
        """Place of the category, 0 to 3."""
        return CATEGORIES.index(self.category)

    @property
    def has_calcium(self) -> bool:
        """True if any lesion counts."""
        return self.level > 0


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan may be grouped by; `month` is YYYY-MM; empty where unknown."""

    scanner: str = UNKNOWN
    kernel: str = UNKNOWN
    kvp: str = UNKNOWN
    thickness: str = UNKNOWN
    month: str = UNKNOWN


By = Literal["scanner", "kernel", "kvp", "thickness", "month"]
BY: Final[tuple[By, ...]] = ("scanner", "kernel", "kvp", "thickness", "month")


@dataclass(frozen=True, slots=True)
class Pair:
    """Our values and a reader's of one scan; `ours_range` is between which totals ours is uncertain.

    `flags` are the codes of the warnings of our result. `reader` is a name or sign, "" where unknown.
    """

    series_instance_uid: str
    study_instance_uid: str
    ours: Values
    theirs: Values
    ours_range: tuple[float, float]
    scan: Scan = Scan()
    origin: Origin = "file"
    reader: str = ""
    flags: tuple[str, ...] = ()

    @property
    def distance(self) -> int:
        """How many categories ours is above theirs."""
        return self.ours.level - self.theirs.level

    @property
    def root_difference(self) -> float:
        """Difference of the square roots of the totals, ours minus theirs."""
        return float(self.ours.total**0.5 - self.theirs.total**0.5)

    @property
    def is_within_range(self) -> bool:
        """True if the reader's total lies where ours says that it may."""
        low, high = self.ours_range
        # the reader's value is printed with a rounding of its own
        return low - 0.5 <= self.theirs.total <= high + 0.5
