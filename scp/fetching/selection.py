"""Which series of a study are fetched, decided from what the archive says about them, before any image is moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

FEWEST_SLICES: Final = 20
"""By default. A heart of 12 cm in slices of 5 mm has 24; localizers and monitoring scans have fewer."""
MOST_SLICES: Final = 2000
"""By default."""


@dataclass(frozen=True, slots=True)
class SeriesOffer:
    """A series as the archive describes it; None and "" where it does not say.

    `images` counts objects, `slices` the frames in them.
    """

    series_instance_uid: str
    modality: str = ""
    number: str = ""
    description: str = ""
    images: int | None = None
    slices: int | None = None
    thickness_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a series must be: CT, of this many slices and this thickness (mm), with a description that fits.

    A description fits if it matches one of `include`, where there are any, and none of `exclude`: patterns with * and
    ?, in any case.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fewest_slices: int = FEWEST_SLICES
    most_slices: int = MOST_SLICES
    thinnest_mm: float = 0.0
    thickest_mm: float = float("inf")

    def find_objection(self, offer: SeriesOffer) -> str:
        """Return why a series is not fetched; empty if it is. What the archive does not say is no reason."""
        if offer.modality not in {"", "CT"}:
            return f"modality {offer.modality}"
        if self.include and not _matches(offer.description, self.include):
            return "description not included"
        if _matches(offer.description, self.exclude):
            return "description excluded"
        return self._find_odd_number(offer)

    def _find_odd_number(self, offer: SeriesOffer) -> str:
        if offer.slices is not None and offer.slices < self.fewest_slices:
            return f"only {offer.slices} slice{'s' if offer.slices != 1 else ''}"
        if offer.slices is not None and offer.slices > self.most_slices:
            return f"{offer.slices} slices"
        if offer.thickness_mm is not None and not self.thinnest_mm <= offer.thickness_mm <= self.thickest_mm:
            return f"slices of {offer.thickness_mm:g} mm"
        return ""

    def may_be_multiframe(self, offer: SeriesOffer) -> bool:
        """Return whether a series has too few objects, which may be multi-frame images of enough slices."""
        return (
            offer.slices is not None
            and offer.slices < self.fewest_slices
            and not replace(self, fewest_slices=0).find_objection(offer)
        )


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text.casefold(), pattern.casefold()) for pattern in patterns)
