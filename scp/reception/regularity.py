"""Whether the slices of a series lie a uniform step apart, from the headers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.images import membership
from scoring.images.header.meaning import Meaning
from scoring.images.header.purpose import find_purpose
from scoring.images.traits import Traits
from storage.series.slices import SliceGeometry

_FEWEST: Final = 3  # slices needed to establish a usual step
_GAP: Final = 1.5  # a larger multiple of the usual step means that a slice is missing


@dataclass(frozen=True, slots=True)
class Regular:
    """No slice seems to be missing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """About `missing` slices are missing inside the series."""

    missing: int

    @property
    def reason(self) -> str:
        """A sentence for the operator."""
        return f"{self.missing} slice{'s' if self.missing > 1 else ''} missing inside the series"


def judge(slices: Sequence[SliceGeometry]) -> Regular | Gap:
    """Look for missing slices: unique positions along the common normal must lie a uniform step apart.

    Positions and orientations are those of the Image Plane Module (PS3.3 C.7.6.2). The images that belong to the
    series are found as for scoring: a localizer, a screen save or monitoring slices neither make a gap nor fill one.
    Multi-frame objects contain their complete geometry and have no gap.
    """
    images = [_describe(item) for item in slices]
    members = membership.find_largest(images).members
    along = membership.list_positions(images, [index for index in members if images[index].has_geometry])
    if len(along) < _FEWEST:
        return Regular()
    steps = np.diff(along)
    usual = float(np.median(steps))
    missing = int(np.sum(np.round(steps[steps > _GAP * usual] / usual) - 1))
    return Gap(missing) if missing else Regular()


def _describe(item: SliceGeometry) -> Traits:
    """What the index knows of an image; the tube voltage is not in it."""
    directions = (item.row_direction, item.column_direction)
    purpose = find_purpose(Meaning(tuple(value.strip().upper() for value in item.image_type)))
    return Traits(
        rows=item.rows or 0,
        columns=item.columns or 0,
        pixel_spacing=item.pixel_spacing,
        orientation=None if None in directions else (*(directions[0] or ()), *(directions[1] or ())),
        position=item.position,
        thickness_mm=item.slice_thickness,
        kernel=item.convolution_kernel,
        frame_of_reference_uid=item.frame_of_reference_uid,
        acquisition_number=item.acquisition_number,
        role="" if purpose is None else purpose.kind,
    )
