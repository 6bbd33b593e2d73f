"""The truth of thin slices: as they are scored, averaged into slabs of about 3 mm."""

from __future__ import annotations

import dataclasses

import numpy as np

from scoring.images.slabbing import choose_count
from scoring.phantom.grid import Box, Floats, Point
from scoring.phantom.truth import Placed


def average_scan(
    background: Floats, placed: tuple[Placed, ...], spacing_mm: Point, thickness_mm: float
) -> tuple[Floats, tuple[Placed, ...], Point]:
    """Return slices without calcium, calcifications and spacing as they are scored.

    They are unchanged unless the slices, of that thickness, are thin. Slices at the upper end that fill no slab are
    left out.
    """
    count = choose_count(spacing_mm[0], thickness_mm)
    if count == 1:
        return background, placed, spacing_mm
    number = len(background) // count
    slabs = np.stack([background[count * k : count * (k + 1)].mean(axis=0) for k in range(number)])
    averaged = tuple(dataclasses.replace(item, rendered=_average_part(item.rendered, count, number)) for item in placed)
    return slabs, averaged, (count * spacing_mm[0], *spacing_mm[1:])


def _average_part(part: tuple[Box, Floats] | None, count: int, number: int) -> tuple[Box, Floats] | None:
    """Return the HU on a box of slices as those on a box of slabs; None where there is no slab."""
    if part is None:
        return None
    (along, *in_plane), hu = part
    first, stop = along.start // count, min(-(-along.stop // count), number)
    if first >= stop:
        return None
    summed = np.zeros((stop - first, *hu.shape[1:]), np.float32)
    for index, image in enumerate(hu, start=along.start):
        if index // count < stop:
            summed[index // count - first] += image / np.float32(count)
    return (slice(first, stop), in_plane[0], in_plane[1]), summed
