"""Selection by header: the images of a series that can be scored, or the reason for the operator why it cannot."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.uid import UID

from config.errors import NotScorable
from config.settings import SelectionSettings
from scoring.images.acquisition import Acquisition
from scoring.images.geometry import Stack
from scoring.images.slices import Slice

# a heart is about twice as long; a shorter scan cannot cover it
_SHORTEST_MM = 60.0
# headers give positions and thicknesses to few decimals
_ROUNDED_MM = 0.01

_NO_AGENT = ("", "NONE", "NO", "N", "NEGATIVE", "NO CONTRAST", "NON CONTRAST", "NONCONTRAST", "WITHOUT", "W/O", "0")
# contrast that does not reach the blood
_OTHER_ROUTES = ("ORAL", "RECTAL", "PO", "P.O.", "ENEMA", "WATER", "INTRATHECAL", "INTRAARTICULAR")


def select_images(slices: Sequence[Slice]) -> tuple[tuple[Slice, ...], int]:
    """Select the axial images of a series: CT images that are not localizers, and the number of others left out.

    Raises NotScorable (`not_ct`, `localizer`, `mixed_series`) when no image, or more than one series, is left.
    """
    if not slices:
        raise NotScorable("not_ct", variant="empty")
    ct_images = [item for item in slices if item.is_ct_image and item.modality in ("CT", "")]
    if not ct_images:
        kinds = sorted({f"{item.modality or '-'}: {UID(item.sop_class_uid).name}" for item in slices})
        raise NotScorable("not_ct", variant="kinds", kinds=tuple(kinds))
    kept = tuple(item for item in ct_images if not item.is_localizer)
    if not kept:
        raise NotScorable("localizer")
    number = len({item.series_instance_uid for item in kept})
    if number > 1:
        raise NotScorable("mixed_series", variant="series", count=number)
    return kept, len(slices) - len(kept)


def check_header(acquisition: Acquisition) -> None:
    """Refuse a scan that the header calls contrast-enhanced (`contrast`); oral contrast does not count."""
    agent = acquisition.contrast
    if agent.upper().replace("-", " ").strip(" .") in _NO_AGENT:
        return
    description = f"{agent} {acquisition.contrast_route}".upper()
    words = set(description.replace("/", " ").replace(",", " ").split())
    if words & set(_OTHER_ROUTES) and "IV" not in words and "INTRAVENOUS" not in words:
        return
    raise NotScorable("contrast", variant="header", agent=agent)


def check_geometry(stack: Stack, settings: SelectionSettings, *, whole_heart: bool = True) -> None:
    """Refuse slices too thick, too thin or too far apart, and, unless `whole_heart` is off, too short a scan.

    Raises NotScorable: `thickness`, `spacing`, `too_few_slices`.
    """
    step = stack.spacing_mm[0]
    known = sorted({item.thickness_mm for item in stack.slices if item.thickness_mm})
    low, high = settings.minimum_thickness_mm, settings.maximum_thickness_mm
    if known and known[-1] > high + _ROUNDED_MM:
        raise NotScorable("thickness", variant="thick", thickness_mm=known[-1], limit_mm=high)
    if step > high + _ROUNDED_MM:
        raise NotScorable("spacing", spacing_mm=step, limit_mm=high)
    thinnest = known[0] if known else step
    if thinnest < low - _ROUNDED_MM:
        raise NotScorable("thickness", variant="thin", thickness_mm=thinnest, limit_mm=low)
    length = stack.offsets_mm[-1] + step
    if whole_heart and length < _SHORTEST_MM:
        raise NotScorable("too_few_slices", variant="short", slices=len(stack.slices), length_mm=round(length, 1))
