"""Slices of the method's thickness from thinner ones: means of whole neighbouring slices.

The Agatston score is defined on slices of 3 mm (Agatston et al., J Am Coll Cardiol 1990;15:827). Thinner ones have more
noise and less partial volume, so that its thresholds mean something else: more of a calcification reaches them, and so
does more of the noise. The mean of the slices that fill about 3 mm is what a scanner reconstructs at that thickness.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.images.geometry import Stack
from scoring.images.volume import AIR_HU, Gap, Slabs, Volume

REFERENCE_MM: Final = 3.0
"""Thickness and spacing of the slices that the Agatston score is defined on (Agatston 1990)."""

# two slices of 2 mm are as far from 3 mm as one; positions and spacing are rounded
_THIN_MM: Final = 1.95
_EVEN_MM: Final = 0.11


def count_slices(stack: Stack) -> int:
    """How many slices make a slab of a stack, 1 where they are scored as they are."""
    count = choose_count(stack.spacing_mm[0], stack.thickness_mm)
    return count if count <= _longest_run(stack) else 1


def choose_count(spacing: float, thickness: float | None) -> int:
    """How many slices of a thickness, so far apart (mm), make a slab; 1 from a spacing of 2 mm on.

    Of all numbers the one whose effective thickness is nearest to 3 mm, the smaller of two as near: where slices lie
    side by side, the one for which number times spacing is nearest. Slices of 3 mm every 1.5 mm are thus scored as they
    are. Where no thickness is stated, it is the spacing.
    """
    if spacing >= _THIN_MM:
        return 1
    stated = thickness or spacing
    most = math.ceil(REFERENCE_MM / spacing) + 1

    def off(number: int) -> tuple[float, int]:
        # rounded, so that of two numbers that are equally near no rounding error decides
        return round(abs(effective_mm(stated, spacing, number) - REFERENCE_MM), 3), number

    return min(range(1, most + 1), key=off)


def effective_mm(thickness: float, spacing: float, count: int) -> float:
    """Effective thickness (mm) of the mean of `count` slices: that of one slice whose profile has the same variance.

    It is count x spacing for slices side by side, less where they overlap.
    """
    return math.sqrt(thickness**2 + (count**2 - 1) * spacing**2)


def average_slices(volume: Volume, count: int) -> Volume:
    """The volume as slabs of `count` slices side by side, HU rounded; the volume itself for 1.

    Slabs begin at the lowest slice, and anew above every gap, which none of them spans. Up to `count` - 1 slices at the
    upper end of each such part are left out: coronary arteries end well below the highest slice of a scan that can be
    scored. A volume without enough slices for one slab stays as it is.
    """
    spans = tuple(_find_spans(volume, count))
    if count == 1 or not spans:
        return volume
    hu = np.empty((len(spans), *volume.hu.shape[1:]), dtype=np.int16)
    for index, (first, stop) in enumerate(spans):
        hu[index] = np.rint(volume.hu[first:stop].sum(axis=0, dtype=np.int32) / count)
    offsets = np.asarray([_offsets(volume)[first:stop].mean() for first, stop in spans])
    origin = np.asarray(volume.origin_mm) + offsets[0] * volume.axes[:, 0]
    step = round(volume.spacing_mm[0] * count, 6)
    from_first = np.round(offsets - offsets[0], 6)
    is_even = bool(np.abs(from_first - np.arange(len(spans)) * step).max() <= _EVEN_MM)
    return replace(
        volume,
        hu=hu,
        spacing_mm=(step, *volume.spacing_mm[1:]),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        images=tuple(volume.images[(first + stop - 1) // 2] for first, stop in spans) if volume.images else (),
        offsets_mm=None if is_even else tuple(from_first.tolist()),
        gaps=_find_gaps(volume, spans),
        thickness_mm=effective_mm(volume.thickness_mm or volume.spacing_mm[0], volume.spacing_mm[0], count),
        slabs=Slabs(replace(volume, hu=np.broadcast_to(np.int16(AIR_HU), volume.hu.shape)), spans),
    )


def reduce_labels(labels: NDArray[np.uint8], volume: Volume) -> NDArray[np.uint8]:
    """Labels of the images of a volume, (images, y, x), as labels of its slices.

    A voxel of a slab is inside where any of its images has a label, and has the one that most of them have, of equals
    the lowest: labels say where calcium is, and whether the slab reaches the threshold decides how far it extends.
    """
    if volume.slabs is None:
        return labels
    reduced = np.zeros(volume.hu.shape, dtype=np.uint8)
    for index, (first, stop) in enumerate(volume.slabs.spans):
        part = labels[first:stop]
        most = np.zeros(reduced.shape[1:], dtype=np.uint8)
        for label in np.unique(part[part > 0]).tolist():
            votes = (part == label).sum(axis=0, dtype=np.uint8)
            reduced[index][votes > most] = label
            np.maximum(most, votes, out=most)
    return reduced


def _longest_run(stack: Stack) -> int:
    """Largest number of slices without a gap between them."""
    bounds = [0, *(gap.after + 1 for gap in stack.gaps), len(stack.slices)]
    return max(high - low for low, high in itertools.pairwise(bounds))


def _find_spans(volume: Volume, count: int) -> Iterator[tuple[int, int]]:
    bounds = [0, *(gap.after + 1 for gap in volume.gaps), len(volume.hu)]
    for low, high in itertools.pairwise(bounds):
        yield from ((first, first + count) for first in range(low, high - count + 1, count))


def _find_gaps(volume: Volume, spans: tuple[tuple[int, int], ...]) -> tuple[Gap, ...]:
    """The gaps between slabs; where slices between two gaps fill no slab, these gaps are one."""
    missing: dict[int, int] = {}
    for gap in volume.gaps:
        below = sum(stop <= gap.after + 1 for _, stop in spans)
        if 0 < below < len(spans):
            missing[below - 1] = missing.get(below - 1, 0) + gap.missing
    return tuple(Gap(after, number) for after, number in missing.items())


def _offsets(volume: Volume) -> NDArray[np.float64]:
    """Distance (mm) of each slice from the first along the normal."""
    if volume.offsets_mm is not None:
        return np.asarray(volume.offsets_mm)
    return np.arange(len(volume.hu), dtype=np.float64) * volume.spacing_mm[0]
