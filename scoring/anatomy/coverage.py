"""Whether the images show the whole heart, and how much of it lies below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.anatomy.chest import Chest
from scoring.anatomy.heart import CHAMBERS, Heart
from scoring.anatomy.level import Level
from scoring.images.volume import Volume

ABOVE_LEFT_MAIN_MM: Final = 3.0
ABOVE_SPREADS: Final = 1.5
"""One slice above the left main ostium, from which the arteries run down or level."""
WHOLE_CM2: Final = 12.0
"""Area of the heart in the lowest slice up to which it counts as whole: the lowest cube of a heart, or two."""
WHOLE_MM: Final = 3.0
"""A heart whose lower end lies within a slice of the images counts as whole."""
MOST_CUT_MM: Final = 12.0
"""About 10 mm, with the error of a height that is extrapolated (`_missing_mm`)."""
TAPER_MM: Final = 16.0
"""Height over the lowest slice over which the heart's taper is measured."""
CUT_SHARE: Final = 0.06
ABOVE_MM: Final = 24.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The first and last slice that can contain coronary arteries, and the height of the heart below the images."""

    slices: tuple[int, int]
    cut_mm: float


def without_aorta(around: Chest) -> NotScorable:
    """Return the reason why the aorta was not found: the images begin below it, or it was not recognised."""
    highest = float(around.heart_mask[around.cubes.size[0] - 1].sum() * around.cubes.step_mm**2 / 100)
    if highest > WHOLE_CM2:
        return NotScorable("heart_not_covered", variant="begins_inside", area_cm2=round(highest, 1))
    return NotScorable("aorta_not_found", variant="beside")


def coverage(volume: Volume, around: Chest, close: Heart, left_main: Level) -> Coverage:
    """Return what the images show of the heart.

    Raises NotScorable `heart_not_covered` for images that end at the left main, far from the heart's lower end, or
    within its side.
    """
    mask, step_mm = around.heart_mask, around.cubes.step_mm
    top_mm = (len(volume.hu) - 0.5) * volume.spacing_mm[0]
    above = top_mm - left_main.z_mm
    # A left main above the images is taken for something in them, with doubt.
    needed = max(ABOVE_LEFT_MAIN_MM, ABOVE_SPREADS * left_main.spread_mm)
    if above < needed:
        raise NotScorable("heart_not_covered", variant="top", above_mm=round(above, 1), needed_mm=round(needed, 1))
    cut_mm = _cut_mm(volume, around, close)
    if cut_mm > MOST_CUT_MM:
        raise NotScorable("heart_not_covered", variant="ends_inside", cut_mm=round(cut_mm), most_mm=MOST_CUT_MM)
    share = _cut_share(around)
    if share > CUT_SHARE:
        raise NotScorable("heart_not_covered", variant="side", share_percent=round(100 * share, 1))
    lowest_mm = around.cubes.start_mm[0] + float(np.argmax(mask.any(axis=(1, 2)))) * step_mm
    first = int(np.ceil((lowest_mm - step_mm) / volume.spacing_mm[0]))
    last = int((left_main.z_mm + ABOVE_MM) / volume.spacing_mm[0])
    return Coverage((max(first, 0), min(last, len(volume.hu) - 1)), cut_mm)


def _cut_mm(volume: Volume, around: Chest, close: Heart) -> float:
    """Return the height of the heart that lies below the images: the smaller that both nets tell, 0 if it is whole."""
    image = close.found.cubes
    if image.start_mm[0] > volume.spacing_mm[0] + image.step_mm:
        # The net that looks closely sees the heart's lower end, and below it.
        return 0.0
    told = [
        _missing_mm(mask.sum(axis=(1, 2)) * step_mm**2 / 100, step_mm)
        for mask, step_mm in (
            (around.heart_mask, around.cubes.step_mm),
            (close.found.mask(*CHAMBERS), image.step_mm),
        )
    ]
    return min(told) if min(told) > WHOLE_MM else 0.0


def _missing_mm(area_cm2: NDArray[np.float64], step_mm: float) -> float:
    """Return how far a heart reaches below its lowest section, given the areas of its sections; 0 for a small one.

    An ellipsoid of half height c has a section at the height h over its lowest point of A = k h (2c - h), so that the
    ratio r of area and slope gives h = c + r - sqrt(c^2 + r^2). What is seen and what is missing make 2c.
    """
    if area_cm2[0] <= WHOLE_CM2:
        return 0.0
    few = area_cm2[: round(TAPER_MM / step_mm)]
    whole = step_mm * int(np.count_nonzero(area_cm2))
    slope = float(np.polyfit(step_mm * np.arange(len(few)), few, 1)[0]) if len(few) > 1 else 0.0
    if slope * whole < area_cm2[0]:
        # It does not end within as much again as is seen.
        return whole
    ratio, middle = float(few.mean()) / slope, step_mm * len(few) / 2
    missing = 0.0
    # Each pass comes nearer by half and more: what is missing enters the height by half.
    for _ in range(30):
        half = (whole + missing) / 2
        missing = max(half + ratio - float(np.hypot(half, ratio)) - middle, 0.0)
    return missing


def _cut_share(around: Chest) -> float:
    """Return the share of the heart's outline that lies on the edge of the image or of a circular field of view."""
    mask = around.heart_mask
    depth, height, width = around.cubes.size
    beyond = np.ones((depth, height + 2, width + 2), bool)
    beyond[:, 1:-1, 1:-1] = around.cubes.hu[:depth, :height, :width] <= around.cubes.hu.min()
    inside = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    cut = outline = 0
    for axis in (1, 2):
        for shift in (-1, 1):
            next_to = np.roll(inside, shift, axis)
            border = inside & ~next_to
            outline += int(border.sum())
            cut += int((border & np.roll(beyond, shift, axis)).sum())
    return cut / max(outline, 1)
