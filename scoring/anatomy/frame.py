"""The anatomical frame of a series: all landmarks together, or the reason why they cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.anatomy import aorta
from scoring.anatomy.aorta import Track, track
from scoring.anatomy.blood import Blood, blood, core_hu
from scoring.anatomy.chest import Chest, chest, skeleton
from scoring.anatomy.coarse import Coarse, coarse
from scoring.anatomy.heart import CHAMBERS, Heart, heart
from scoring.anatomy.level import Level, level
from scoring.anatomy.network import KINDS, network
from scoring.images.volume import Volume
from scoring.result import Flag

CONTRAST_HU, CONTRAST_WARNING_HU = 100.0, 75.0
NOISE_WARNING_HU, NOISE_ZERO_HU = 20.0, 25.0
COVERED_ABOVE_MM: Final = 10.0
CUT_CM2: Final = 12.0
CUT_SHARE: Final = 0.06
ABOVE_MM: Final = 24.0
# An unfolded ascending aorta lies straight in front of the descending one; turning the patient by 8 degrees shifts it
# by 14 mm.
BEFORE_MM, RIGHT_MM = (28.0, 130.0), (-15.0, 90.0)
SEEN_SHARE: Final = 0.5
SAMPLED: Final = 5
SLACK_MM, FAT_MM = 6.0, 10.0
SAME_SHARE: Final = 0.6
VESSELS_MM, BELOW_MM = 22.0, 15.0


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The anatomy of one series; heights and positions are in mm along the volume's axes from its voxel [0, 0, 0].

    `heart_slices` are the first and last slice (volume index, inclusive) that can contain coronary arteries; `weights`
    identifies the nets' weights.
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
    if core > CONTRAST_HU:
        raise _contrast(core)
    _upright(around)
    smooth = aorta.limited(grid, skeleton(grid, around))
    behind = track(grid, smooth, around.found, "descending", aorta.DESCENDING_MM)
    before = track(grid, smooth, around.found, "ascending", aorta.ASCENDING_MM)
    if behind is None or before is None:
        raise _without_aorta(around)
    pool = blood(volume, behind)
    if pool.hu > CONTRAST_HU:
        raise _contrast(pool.hu) if core > CONTRAST_WARNING_HU else _no_aorta(pool.hu, core)
    close = heart(grid, around)
    _same_heart(around, close)
    left_main = level(close, before)
    _agree(behind, before, left_main)
    slices = _covered(volume, around, close, left_main)
    return Anatomy(
        grid=grid,
        chest=around,
        heart=close,
        descending=behind,
        ascending=before,
        left_main=left_main,
        blood=pool,
        heart_slices=slices,
        flags=_flags(max(core, pool.hu), pool.zero_noise_hu),
        weights=", ".join(f"{kind} {weights[:12]}" for kind in KINDS for weights in network(kind).weights),
    )


def _without_aorta(around: Chest) -> NotScorable:
    """Return the reason why the aorta was not found: the images begin below it, or it was not recognised."""
    highest = float(around.heart_mask[around.cubes.size[0] - 1].sum() * around.cubes.step_mm**2 / 100)
    if highest > CUT_CM2:
        return NotScorable("heart_not_covered", variant="begins_inside", area_cm2=round(highest, 1))
    return NotScorable("aorta_not_found", variant="beside")


def _contrast(hu: float) -> NotScorable:
    return NotScorable("contrast", variant="blood", blood_hu=round(hu, 1))


def _no_aorta(hu: float, core: float) -> NotScorable:
    """Return the refusal for bright blood in a dark heart: something else was taken for the aorta, as in a phantom."""
    return NotScorable("landmarks_disagree", variant="bright_aorta", aorta_hu=round(hu, 1), heart_hu=round(core, 1))


def _same_heart(around: Chest, close: Heart) -> None:
    """Refuse if the two nets see the heart in different places."""
    chambers = np.argwhere(close.found.mask(*CHAMBERS))[::SAMPLED].astype(np.float64)
    seen = np.argwhere(around.heart_mask)[::SAMPLED].astype(np.float64)
    if len(chambers):
        inside = around.heart.at(close.found.cubes.position(chambers)) < SLACK_MM
        covered = close.chambers.at(around.cubes.position(seen)) < SLACK_MM + FAT_MM
        share = min(float(inside.mean()), float(covered.mean()))
    else:
        share = 0.0
    if share < SAME_SHARE:
        raise NotScorable("landmarks_disagree", variant="hearts", share_percent=round(100 * share, 1))


def _agree(behind: Track, before: Track, left_main: Level) -> None:
    """Refuse if ascending and descending aorta are not where they must be relative to each other."""
    near = np.abs(behind.z_mm - left_main.z_mm + 20.0) <= 40.0
    if not near.any() or behind.seen[near].mean() < SEEN_SHARE:
        raise NotScorable("aorta_not_found", variant="behind")
    at = np.array([left_main.z_mm, left_main.z_mm + 10.0])
    y_before, x_before = before.at(at)[:, :2].mean(axis=0)
    y_behind, x_behind = behind.at(at)[:, :2].mean(axis=0)
    forward, right = y_behind - y_before, x_behind - x_before
    if not (BEFORE_MM[0] < forward < BEFORE_MM[1] and RIGHT_MM[0] < right < RIGHT_MM[1]):
        raise NotScorable(
            "landmarks_disagree",
            variant="aortas",
            forward_mm=round(float(forward), 1),
            right_mm=round(float(right), 1),
        )


def _upright(around: Chest) -> None:
    """Refuse if the great vessels are not above the centre of the heart, or the abdomen is not below it."""
    step_mm = around.cubes.step_mm
    middle = _height(around.heart_mask)
    vessels = [around.found.mask(name) for name in ("ascending", "pulmonary")]
    above_mm = [step_mm * (_height(vessel) - middle) for vessel in vessels if vessel.any()]
    abdomen = around.found.mask("abdomen")
    below_mm = step_mm * (middle - _height(abdomen)) if abdomen.any() else BELOW_MM
    if min(above_mm, default=VESSELS_MM) < VESSELS_MM or below_mm < BELOW_MM:
        raise NotScorable("landmarks_disagree", variant="upside_down")


def _height(mask: NDArray[np.bool_]) -> float:
    """Return the mean slice index of a mask, 0 for an empty one."""
    area = mask.sum(axis=(1, 2), dtype=np.float64)
    return float(np.average(np.arange(len(area)), weights=area)) if area.any() else 0.0


def _covered(volume: Volume, around: Chest, close: Heart, left_main: Level) -> tuple[int, int]:
    """Return the first and last slice of the heart; refuse a series that ends within it or cuts off its side."""
    mask, step_mm = around.heart_mask, around.cubes.step_mm
    top_mm = (len(volume.hu) - 0.5) * volume.spacing_mm[0]
    above = top_mm - left_main.z_mm
    if above < COVERED_ABOVE_MM:
        raise NotScorable("heart_not_covered", variant="top", above_mm=round(above, 1), needed_mm=COVERED_ABOVE_MM)
    lowest = min(float(mask[0].sum() * step_mm**2 / 100), _lowest_cm2(volume, close))
    if lowest > CUT_CM2:
        raise NotScorable("heart_not_covered", variant="ends_inside", area_cm2=round(lowest, 1))
    share = _cut_share(around)
    if share > CUT_SHARE:
        raise NotScorable("heart_not_covered", variant="side", share_percent=round(100 * share, 1))
    lowest_mm = around.cubes.start_mm[0] + float(np.argmax(mask.any(axis=(1, 2)))) * step_mm
    first = int(np.ceil((lowest_mm - step_mm) / volume.spacing_mm[0]))
    last = int((left_main.z_mm + ABOVE_MM) / volume.spacing_mm[0])
    return max(first, 0), min(last, len(volume.hu) - 1)


def _lowest_cm2(volume: Volume, close: Heart) -> float:
    """Return the area of the chambers in the lowest slice, 0 if the image extends below the net's field of view."""
    cubes = close.found.cubes
    if cubes.start_mm[0] > volume.spacing_mm[0] + cubes.step_mm:
        return 0.0
    return float(close.found.mask(*CHAMBERS)[0].sum() * cubes.step_mm**2 / 100)


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


def _flags(blood_hu: float, noise_hu: float) -> tuple[Flag, ...]:
    flags = []
    if blood_hu > CONTRAST_WARNING_HU:
        flags.append(Flag.build("contrast_possible", "warning", blood_hu=round(blood_hu, 1)))
    noise = round(noise_hu, 1)
    if noise_hu > NOISE_ZERO_HU:
        flags.append(Flag.build("noise", "warning", variant="zero", noise_hu=noise))
    elif noise_hu > NOISE_WARNING_HU:
        flags.append(Flag.build("noise", "warning", variant="high", noise_hu=noise, aim_hu=NOISE_WARNING_HU))
    return tuple(flags)
