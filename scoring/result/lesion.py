"""Calcium by lesion and by artery. Volumes are mm3, masses mg, attenuations HU; positions are LPS in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from scoring.result.statement import Statement

Artery = Literal["LM", "LAD", "LCX", "RCA"]
ARTERIES: Final[tuple[Artery, ...]] = ("LM", "LAD", "LCX", "RCA")

# The three limits of a confidence that a candidate is coronary calcium (0..1). They were chosen on synthetic thoraxes
# so that the range holds the true total (docs/scoring-method.md).
COUNTED: Final = 0.5
"""Confidence from which a candidate counts."""
SURE: Final = 0.8
"""A counted lesion below this confidence is uncertain: the lower end of the range leaves it out."""
POSSIBLE: Final = 0.2
"""An uncounted candidate from this confidence on is uncertain: the upper end of the range includes it."""


@dataclass(frozen=True, slots=True)
class ArteryValues:
    """One quantity for the whole tree and for each artery, in the unit of the field that holds it."""

    total: float = 0.0
    LM: float = 0.0
    LAD: float = 0.0
    LCX: float = 0.0
    RCA: float = 0.0

    def of(self, artery: Artery) -> float:
        """Value of one artery."""
        return float(getattr(self, artery))


@dataclass(frozen=True, slots=True)
class Range:
    """Totals excluding (`low`) and including (`high`) every uncertain lesion.

    `doubtful` lesions are counted but not certain, `left_out` candidates are not counted but possible.
    """

    low: float
    high: float
    doubtful: int
    left_out: int


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One slice of the source: its index in the sorted volume, its SOP Instance UID, its frame.

    `frame` counts from 1 and is None for a single-frame image.
    """

    slice: int
    sop_instance_uid: str
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Lesion:
    """A three-dimensional calcification (26-connected) and its share of the score.

    `artery` is None where a mask names none: such a lesion counts in the totals alone.
    `mass_mg` is that of the counted voxels, `mass_integrated_mg` that of the whole calcification without a threshold;
    both are None without a calibration factor.
    `centroid_mm` is (x, y, z) in patient coordinates. `runs` are the counted voxels as
    (slice, stored row, first stored column, length), sorted, so that every document can show exactly what was counted.
    """

    id: int
    artery: Artery | None
    confidence: float
    agatston: float
    volume_mm3: float
    mass_mg: float | None
    max_hu: float
    mean_hu: float
    centroid_mm: tuple[float, float, float]
    slices: tuple[int, ...]
    images: tuple[ImageRef, ...] = ()
    runs: tuple[tuple[int, int, int, int], ...] = ()
    mass_integrated_mg: float | None = None

    @property
    def is_uncertain(self) -> bool:
        """True if it was counted without being certain to be coronary calcium."""
        return self.confidence < SURE


@dataclass(frozen=True, slots=True)
class RejectedCandidate:
    """Something bright near the heart that was not counted, and the strongest reason against it.

    `confidence` (0..1) is that it is coronary calcium nevertheless, `artery` the one it would then be in;
    `centroid_mm`, `slices`, `images` and `runs` as in `Lesion`. Earlier results have no artery, images or runs.
    """

    id: int
    agatston: float
    volume_mm3: float
    max_hu: float
    centroid_mm: tuple[float, float, float]
    slices: tuple[int, ...]
    confidence: float
    reason: Statement
    artery: Artery | None = None
    images: tuple[ImageRef, ...] = ()
    runs: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def is_possible(self) -> bool:
        """True if it may be coronary calcium although it was not counted."""
        return self.confidence >= POSSIBLE
