"""From stored values to Hounsfield units: Rescale Slope and Intercept as an image or a frame states them, or why not.

Both are required in every CT image (PS3.3 C.8.2.1; in functional groups C.8.15.3.10). None is ever assumed: a missing
intercept is one of -1024 as often as it is 0, and a slice without it scores something else without a sign of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import NotScorable
from dicom import elements
from dicom.printable import make_printable

# one step of the stored values beyond this would span two weights of the score, one below it less than air to bone
_SLOPES: Final = (0.001, 50.0)
# 16 stored bits around any zero point, at the largest slope that occurs
_LARGEST_INTERCEPT: Final = 100_000.0
# 1,024 is 1.024 to one writer and 1024 to another
_THOUSANDS: Final = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_LONGEST_QUOTE: Final = 32

_NAMES: Final = {"RescaleSlope": "Rescale Slope (0028,1053)", "RescaleIntercept": "Rescale Intercept (0028,1052)"}
_MACRO: Final = "PixelValueTransformationSequence"
# a converted image keeps what has no macro of its own as unassigned (C.7.6.16.2.25)
_UNASSIGNED: Final = (
    "UnassignedPerFrameConvertedAttributesSequence",
    "UnassignedSharedConvertedAttributesSequence",
)


@dataclass(frozen=True, slots=True)
class Rescale:
    """HU = stored value x `slope` + `intercept` (PS3.3 C.11.1.1.2)."""

    slope: float
    intercept: float


def read_rescale(dataset: Dataset, groups: Sequence[Dataset], image: str) -> Rescale:
    """Read the conversion of an image, or of a frame whose functional groups (its own, the shared) are `groups`.

    `image` names the image or frame in the refusal. Raises NotScorable (`no_hounsfield_units`) when an element is
    missing, unreadable or zero, when two places contradict each other, or when a table takes the place of both.
    """
    if elements.value(dataset, "ModalityLUTSequence"):
        raise NotScorable("no_hounsfield_units", variant="table", image=image)
    places = _find_macros(groups) if groups else [dataset]
    pairs = {
        Rescale(_read_number(place, "RescaleSlope", image), _read_number(place, "RescaleIntercept", image))
        for place in places or [Dataset()]
    }
    if len(pairs) > 1:
        raise NotScorable("no_hounsfield_units", variant="contradiction", image=image)
    found = pairs.pop()
    if found.slope == 0:
        raise NotScorable("no_hounsfield_units", variant="zero", image=image)
    low, high = _SLOPES
    if not low <= found.slope <= high or abs(found.intercept) > _LARGEST_INTERCEPT:
        raise NotScorable(
            "no_hounsfield_units",
            variant="implausible",
            image=image,
            slope=f"{found.slope:g}",
            intercept=f"{found.intercept:g}",
        )
    return found


def _find_macros(groups: Sequence[Dataset]) -> list[Dataset]:
    """Every item that states the conversion of a frame; the unassigned attributes where no macro does."""
    macros = [item for group in groups for item in _list_items(group, _MACRO)]
    if macros:
        return macros
    unassigned = [item for group in groups for name in _UNASSIGNED for item in _list_items(group, name)]
    return [item for item in unassigned if any(keyword in item for keyword in _NAMES)]


def _list_items(group: Dataset, keyword: str) -> list[Dataset]:
    items = elements.value(group, keyword)
    return list(items) if isinstance(items, Items) else []


def _read_number(place: Dataset, keyword: str, image: str) -> float:
    words = elements.texts(place, keyword)
    if not any(words):
        raise NotScorable("no_hounsfield_units", variant="missing", image=image, element=_NAMES[keyword])
    values = elements.numbers(place, keyword, 1)
    if values is None or _THOUSANDS.fullmatch(words[0]):
        quote = make_printable("\\".join(words))[:_LONGEST_QUOTE]
        raise NotScorable(
            "no_hounsfield_units", variant="unreadable", image=image, element=_NAMES[keyword], value=quote
        )
    return values[0]
