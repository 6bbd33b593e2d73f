"""The anatomical frame of a series: all landmarks together, or the reason why they cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.errors import NotScorable
from scoring.anatomy import agreement, aorta, contrast
from scoring.anatomy.aorta import Track, track
from scoring.anatomy.blood import Blood, blood, core_hu
from scoring.anatomy.chest import Chest, chest, skeleton
from scoring.anatomy.coarse import Coarse, coarse
from scoring.anatomy.coverage import coverage, without_aorta
from scoring.anatomy.heart import Heart, heart
from scoring.anatomy.level import Level, level
from scoring.anatomy.network import identify_nets
from scoring.images.volume import Volume
from scoring.result import Flag

NOISE_WARNING_HU, NOISE_ZERO_HU = 20.0, 25.0
SEEN_SHARE: Final = 0.5
UNLIKE_HU: Final = 25.0
"""Blood lies no further from the heart, which is blood and muscle: twice the spread of their difference."""
BELOW_MM, ABOVE_MM = 60.0, 20.0
"""From 60 mm below to 20 mm above the left main, the descending aorta lies behind the heart."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The anatomy of one series; heights and positions are in mm along the volume's axes from its voxel [0, 0, 0].

    `heart_slices` are the first and last slice (volume index, inclusive) that can contain coronary arteries; `weights`
    identifies the nets' weights; `cut_mm` is the height of the heart that lies below the images. A descending aorta
    that the images do not show is far from everything.
    """

    grid: Coarse
    chest: Chest
    heart: Heart
    descending: Track
    ascending: Track
    left_main: Level
    blood: Blood
    heart_slices: tuple[int, int]
    flags: tuple[Flag, ...]
    weights: str = ""
    cut_mm: float = 0.0


def find(volume: Volume) -> Anatomy:
    """Find the landmarks by which coronary lesions are judged.

    Raises NotScorable with the codes not_a_chest, no_spine, contrast, aorta_not_found, heart_not_found,
    left_main_not_found, landmarks_disagree or heart_not_covered.
    """
    if min(volume.hu.shape) < 2 or min(volume.hu.shape[1:]) < 32:
        raise NotScorable("not_a_chest", variant="size")
    grid = coarse(volume)
    around = chest(grid)
    core = core_hu(around)
    contrast.check_core(core)
    agreement.check_upright(around)
    agreement.check_front(grid, around)
    smooth = aorta.limited(grid, skeleton(grid, around))
    before = track(grid, smooth, around.found, "ascending", aorta.ASCENDING_MM)
    if before is None:
        raise without_aorta(around)
    behind = track(grid, smooth, around.found, "descending", aorta.DESCENDING_MM)
    pool = _pool(volume, grid, core, behind, before)
    flags = [*contrast.check_blood(pool.hu, core, contrast.muscle_hu(around)), *_flag_noise(pool.zero_noise_hu)]
    close = heart(grid, around)
    agreement.check_heart(around, close)
    left_main = level(close, before)
    if behind is None or not _seen_behind(behind, left_main):
        agreement.check_without_descending(grid, around, before, left_main)
        behind = Track.unseen(grid.position(0))
    else:
        agreement.check_aortas(behind, before, left_main)
    shown = coverage(volume, around, close, left_main)
    if shown.cut_mm > 0:
        flags.append(Flag.build("heart_cut", "warning", cut_mm=max(1, round(shown.cut_mm))))
    return Anatomy(
        grid=grid,
        chest=around,
        heart=close,
        descending=behind,
        ascending=before,
        left_main=left_main,
        blood=pool,
        heart_slices=shown.slices,
        flags=tuple(flags),
        weights=identify_nets(),
        cut_mm=shown.cut_mm,
    )


def _pool(volume: Volume, grid: Coarse, core: float, behind: Track | None, before: Track) -> Blood:
    """Measure the blood in the descending aorta, or in the ascending one if that resembles the heart's more.

    A field of view that ends at the descending aorta shows too little of it, or something else in its place.
    """
    if behind is None or not behind.within(grid):
        return blood(volume, before)
    pool = blood(volume, behind)
    if abs(pool.hu - core) > UNLIKE_HU:
        return min(pool, blood(volume, before), key=lambda other: abs(other.hu - core))
    return pool


def _seen_behind(behind: Track, left_main: Level) -> bool:
    """Return whether the descending aorta is seen in half of the slices in which it lies behind the heart."""
    near = (behind.z_mm >= left_main.z_mm - BELOW_MM) & (behind.z_mm <= left_main.z_mm + ABOVE_MM)
    return bool(near.any() and behind.seen[near].mean() >= SEEN_SHARE)


def _flag_noise(noise_hu: float) -> Iterator[Flag]:
    noise = round(noise_hu, 1)
    if noise_hu > NOISE_ZERO_HU:
        yield Flag.build("noise", "warning", variant="zero", noise_hu=noise)
    elif noise_hu > NOISE_WARNING_HU:
        yield Flag.build("noise", "warning", variant="high", noise_hu=noise, aim_hu=NOISE_WARNING_HU)
