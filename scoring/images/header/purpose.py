"""What an image is if not a CT slice in HU, by all that its header says: a projection, a map, a localizer."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.errors import NotScorable
from dicom.printable import make_printable
from scoring.images.header.meaning import Meaning
from scoring.images.header.vocabulary import PROJECTIONS, Kind, find_in_text, find_in_type

# values 1 and 2 of Image Type (PS3.3 C.8.16.1), and the plain ones of value 3
_PLAIN: Final = ("ORIGINAL", "DERIVED", "MIXED", "PRIMARY", "SECONDARY", "AXIAL", "VOLUME", "")
# a value of Image Type has at most 16 characters (PS3.5 6.2, CS)
_LONGEST: Final = 64
# Volume Based Calculation Technique, PS3.3 C.8.16.2.1.3; NONE, MPR and MIXED leave the values as they are
_TECHNIQUES: Final[dict[str, Kind]] = {
    "MAX_IP": "maximum_projection",
    "MIN_IP": "minimum_projection",
    "VOLUME_RENDER": "rendered",
    "SURFACE_RENDER": "rendered",
    "CURVED_MPR": "curved",
}
# CID 7203; not among them: lossy compression, resampling, filters, stitching, multiplanar reformatting, weighting
_DERIVATIONS: Final[dict[str, Kind]] = {
    "113042": "sum_projection",  # pixel by pixel addition
    "113046": "subtraction",  # division
    "113047": "segmentation",  # mask
    "113048": "maximum_projection",
    "113049": "average_projection",
    "113051": "minimum_projection",
    "113053": "subtraction",  # multiplication
    "113062": "subtraction",
    "113073": "curved",
    "113074": "rendered",
    "113075": "rendered",
    "113076": "segmentation",
    "113078": "maximum_projection",
    "113079": "minimum_projection",
    "129104": "perfusion",
}


ACCOMPANYING: Final[tuple[Kind, ...]] = ("localizer", "monitoring", "screen_save", "colour")
"""Kinds of images that scanners add to a series of slices in any number."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an image is instead of a CT slice in HU; `words` are the element that says so and its value."""

    kind: Kind
    words: str

    def refuse(self) -> NotScorable:
        """The verdict on a series of such images: `localizer`, `projection` or `not_hu`."""
        if self.kind in ("localizer", "monitoring"):
            return NotScorable("localizer")
        if self.kind in PROJECTIONS:
            return NotScorable("projection", variant="header", kind=self.kind, words=self.words)
        return NotScorable("not_hu", kind=self.kind, words=self.words)


@functools.lru_cache(maxsize=256)
def find_purpose(meaning: Meaning) -> Purpose | None:
    """Find what an image is instead of a CT slice in HU; None for a slice.

    Attributes with terms of the Standard come first, then Image Type, then free text. DERIVED and SECONDARY say
    nothing: scanners write them for slices reconstructed from a volume, and MPR alone leaves the values as they are.
    """
    return next(_find_signs(meaning), None)


def _find_signs(meaning: Meaning) -> Iterator[Purpose]:
    if meaning.technique in _TECHNIQUES:
        yield Purpose(_TECHNIQUES[meaning.technique], _quote("Volume Based Calculation Technique", meaning.technique))
    for value in meaning.image_type:
        if value not in _PLAIN and (kind := find_in_type(value)):
            yield Purpose(kind, _quote("Image Type", value))
    for code in meaning.derivations:
        if code in _DERIVATIONS:
            yield Purpose(_DERIVATIONS[code], _quote("Derivation Code", code))
    if meaning.samples > 1:
        yield Purpose("colour", _quote("Samples per Pixel", str(meaning.samples)))
    for name, text in meaning.texts:
        # of free text, keep only the sign itself: the rest may name the patient
        if found := find_in_text(text):
            yield Purpose(found[0], _quote(name, found[1]))
    if unit := meaning.foreign_unit:
        yield Purpose("unit", _quote("Rescale Type", unit))


def _quote(element: str, value: str) -> str:
    """Name an element and its value, without what a terminal or page would not print."""
    return f"{element}: {make_printable(value, '')[:_LONGEST]}"
