"""Selection by header: the images of a series that can be scored, or the reason for the operator why it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.uid import UID

from config.errors import NotScorable
from config.settings import SelectionSettings
from scoring.images import membership
from scoring.images.acquisition import Acquisition
from scoring.images.geometry import Stack
from scoring.images.header.purpose import ACCOMPANYING, Purpose, find_purpose
from scoring.images.identity import check_uids
from scoring.images.slices import Slice
from scoring.images.traits import Traits

# a heart is about twice as long; a shorter scan cannot cover it
_SHORTEST_MM = 60.0
# no gantry takes a wider body: pixels in micrometres, or of another image
_WIDEST_MM: Final = 1000.0
# headers give positions and thicknesses to few decimals
_ROUNDED_MM = 0.01
# fewer slices than this multiple of the projections among them are no series of their own
_FEW: Final = 0.25

_NO_AGENT = ("", "NONE", "NO", "N", "NEGATIVE", "NO CONTRAST", "NON CONTRAST", "NONCONTRAST", "WITHOUT", "W/O", "0")
# contrast that does not reach the blood
_OTHER_ROUTES = ("ORAL", "RECTAL", "PO", "P.O.", "ENEMA", "WATER", "INTRATHECAL", "INTRAARTICULAR")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that was given but does not belong to the series, and why, as a term of the texts."""

    sop_instance_uid: str
    why: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The slices of a series, and the images that were left out."""

    slices: tuple[Slice, ...]
    left_out: tuple[LeftOut, ...]


def select_images(slices: Sequence[Slice]) -> Selection:
    """Select the images of a series that are its CT slices in HU; the few others are left out.

    Raises NotScorable: `not_ct`, `localizer`, `projection` or `not_hu` when no such image is left, `mixed_series` when
    no group of them is clearly the series or they have several Patient IDs, `no_uid` and
    `repeated_uid` when images cannot be told apart.
    """
    if not slices:
        raise NotScorable("not_ct", variant="empty")
    ct_images = [item for item in slices if _is_ct(item)]
    if not ct_images:
        kinds = sorted({f"{item.modality or '-'}: {UID(item.sop_class_uid).name}" for item in slices})
        raise NotScorable("not_ct", variant="kinds", kinds=tuple(kinds))
    check_uids(ct_images)
    purposes = [find_purpose(item.meaning) for item in ct_images]
    _require_slices(purposes)
    number = len({item.series_instance_uid for item, purpose in zip(ct_images, purposes, strict=True) if not purpose})
    if number > 1:
        raise NotScorable("mixed_series", variant="series", count=number)
    patients = {item.patient_id for item in ct_images} - {""}
    if len(patients) > 1:
        raise NotScorable("mixed_series", variant="patients", count=len(patients))
    traits = [_describe(item, purpose) for item, purpose in zip(ct_images, purposes, strict=True)]
    found = membership.find_members(traits)
    far = set(membership.find_far(traits, found.members))
    left_out = [LeftOut(item.sop_instance_uid, "other_object") for item in slices if not _is_ct(item)]
    left_out += [LeftOut(ct_images[index].sop_instance_uid, why) for index, why in found.others]
    left_out += [LeftOut(ct_images[index].sop_instance_uid, "far_away") for index in sorted(far)]
    kept = tuple(ct_images[index] for index in found.members if index not in far)
    return Selection(kept, tuple(left_out))


def _is_ct(item: Slice) -> bool:
    return item.is_ct_image and item.modality in ("CT", "")


def _require_slices(purposes: Sequence[Purpose | None]) -> None:
    """Refuse a series of which hardly an image is a slice, for what most of them are."""
    kinds = Counter(purpose for purpose in purposes if purpose is not None)
    processed = {purpose: count for purpose, count in kinds.items() if purpose.kind not in ACCOMPANYING}
    slices = purposes.count(None)
    if slices and slices >= _FEW * sum(processed.values()):
        return
    usual = max(processed or kinds, key=lambda purpose: (kinds[purpose], purpose.words))
    raise usual.refuse()


def _describe(item: Slice, purpose: Purpose | None) -> Traits:
    return Traits(
        rows=item.plane.rows,
        columns=item.plane.columns,
        pixel_spacing=item.plane.pixel_spacing,
        orientation=item.plane.orientation,
        position=item.plane.position,
        thickness_mm=item.thickness_mm,
        kvp=item.kvp,
        kernel=item.kernel,
        frame_of_reference_uid=item.plane.frame_of_reference_uid,
        acquisition_number=item.acquisition_number,
        role="" if purpose is None else purpose.kind,
    )


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

    Raises NotScorable: `no_positions` for pixels of an impossible size, `thickness`, `spacing`, `too_few_slices`.
    """
    width = max(size * mm for size, mm in zip(stack.order.shape, stack.spacing_mm[1:], strict=True))
    if width > _WIDEST_MM:
        raise NotScorable("no_positions", variant="size", width_mm=round(width))
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
