"""The frame of the chest: all landmarks of one series together, or the reason why they cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.anatomy.airway import airway
from scoring.anatomy.aorta import Track, ascending, descending
from scoring.anatomy.blood import Blood, blood, core_hu
from scoring.anatomy.bone import Bone, bone, refuse_turned
from scoring.anatomy.coarse import Coarse, coarse
from scoring.anatomy.heart import Body, body, fullness
from scoring.anatomy.hough import votes
from scoring.anatomy.hull import Hull, hull, inside
from scoring.anatomy.level import MIDDLE_MM, Level, airway_area, level
from scoring.anatomy.lungs import Lungs, lungs
from scoring.result import Flag
from scoring.volume import Volume

CONTRAST_HU, CONTRAST_WARNING_HU = 100.0, 75.0
NOISE_WARNING_HU, NOISE_ZERO_HU = 20.0, 25.0
HEART_ABOVE_MM, HEART_BELOW_MM = 22.0, 95.0
COVERED_ABOVE_MM, COVERED_BELOW_MM = 15.0, 80.0
CHEST_LENGTH_MM = 80.0
# An aorta that has unfolded lies straight before itself, and a turn of the patient by 8 degrees moves it by 14 mm.
BEFORE_MM, RIGHT_MM = (35.0, 125.0), (-10.0, 85.0)
SEEN = 0.5
SEEN_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Where things are in one series; heights and places are mm along the volume's axes from its voxel [0, 0, 0].

    `heart_slices` are the first and last slice (volume index, inclusive) that can hold coronary arteries.
    """

    grid: Coarse
    lungs: Lungs
    hull: Hull
    bone: Bone
    airway: NDArray[np.bool_]
    descending: Track
    ascending: Track
    body: Body
    left_main: Level
    blood: Blood
    core_hu: float
    heart_slices: tuple[int, int]
    flags: tuple[Flag, ...]


def find(volume: Volume) -> Anatomy:
    """Find the landmarks that coronary lesions are judged by.

    Raises NotScorable with the codes not_a_chest, no_spine, contrast, aorta_not_found, heart_not_found,
    left_main_not_found, landmarks_disagree or heart_not_covered.
    """
    if min(volume.hu.shape) < 2 or min(volume.hu.shape[1:]) < 32:
        raise NotScorable("not_a_chest", "The series has too few slices or pixels to be a CT of the chest.")
    grid = coarse(volume)
    air = lungs(grid)
    between = hull(grid, air)
    length_mm = len(between.z_mm) * grid.spacing_mm[0]
    if length_mm < CHEST_LENGTH_MM:
        raise NotScorable(
            "not_a_chest", f"The lungs reach over only {length_mm:.0f} mm: the heart is not in the images as a whole."
        )
    space = inside(grid, between)
    core = core_hu(space)
    if core > CONTRAST_HU:
        raise _contrast(core)
    skeleton = bone(grid, between)
    refuse_turned(grid, skeleton)
    found = votes(grid, skeleton)
    behind = descending(grid, found, skeleton)
    middle = fullness(grid, space, skeleton).middle_mm()
    if middle is None:
        raise NotScorable("heart_not_found", "The heart between the lungs was not found.")
    before = ascending(grid, found, between, behind, middle + MIDDLE_MM)
    pool = blood(volume, behind)
    if pool.hu > CONTRAST_HU:
        raise _contrast(pool.hu) if core > CONTRAST_WARNING_HU else _no_aorta(pool.hu, core)
    air_inside = airway(grid, between, skeleton)
    left_main = level(before, middle, airway_area(grid, air_inside))
    _agree(behind, before, left_main)
    slices = _covered(volume, left_main)
    return Anatomy(
        grid=grid,
        lungs=air,
        hull=between,
        bone=skeleton,
        airway=air_inside,
        descending=behind,
        ascending=before,
        body=body(grid, space),
        left_main=left_main,
        blood=pool,
        core_hu=core,
        heart_slices=slices,
        flags=_flags(max(core, pool.hu), pool.noise_hu),
    )


def _contrast(hu: float) -> NotScorable:
    return NotScorable(
        "contrast", f"The blood has {hu:.0f} HU: contrast medium was given, and calcium cannot be told from it."
    )


def _no_aorta(hu: float, core: float) -> NotScorable:
    """Contrast brightens the heart too: where it did not, something else was taken for the aorta, as in a phantom."""
    return NotScorable(
        "landmarks_disagree",
        f"What was taken for the aorta has {hu:.0f} HU, the tissue of the heart {core:.0f} HU: this is no patient, "
        "the aorta was not recognised, or contrast medium is in the aorta alone.",
    )


def _agree(behind: Track, before: Track, left_main: Level) -> None:
    """Refuse when the two aortas are not where they must be to each other."""
    heights = behind.z_mm[np.abs(behind.z_mm - left_main.z_mm + 20.0) <= 50.0]
    seen = np.mean(behind.at(heights)[:, 3] > SEEN) if len(heights) else 0.0
    if seen < SEEN_SHARE:
        raise NotScorable("aorta_not_found", "The descending aorta was not found behind the heart.")
    at = np.array([left_main.z_mm, left_main.z_mm + 10.0])
    y_before, x_before = before.at(at)[:, :2].mean(axis=0)
    y_behind, x_behind = behind.at(at)[:, :2].mean(axis=0)
    forward, right = y_behind - y_before, x_behind - x_before
    if not (BEFORE_MM[0] < forward < BEFORE_MM[1] and RIGHT_MM[0] < right < RIGHT_MM[1]):
        raise NotScorable(
            "landmarks_disagree",
            f"What was taken for the ascending aorta lies {forward:.0f} mm before and {right:.0f} mm to the right of "
            "the descending aorta: the anatomy is unusual, or it was not recognised.",
        )


def _covered(volume: Volume, left_main: Level) -> tuple[int, int]:
    """First and last slice of the heart; refuses a series that ends within it."""
    step_mm = volume.spacing_mm[0]
    top_mm = (len(volume.hu) - 0.5) * step_mm
    above, below = top_mm - left_main.z_mm, left_main.z_mm + step_mm / 2
    if above < COVERED_ABOVE_MM or below < COVERED_BELOW_MM:
        raise NotScorable(
            "heart_not_covered",
            f"The images reach {above:.0f} mm above and {below:.0f} mm below the left main artery: "
            f"{COVERED_ABOVE_MM:.0f} and {COVERED_BELOW_MM:.0f} mm are needed to cover the heart.",
        )
    first = int(np.ceil((left_main.z_mm - HEART_BELOW_MM) / step_mm))
    last = int((left_main.z_mm + HEART_ABOVE_MM) / step_mm)
    return max(first, 0), min(last, len(volume.hu) - 1)


def _flags(blood_hu: float, noise_hu: float) -> tuple[Flag, ...]:
    flags = []
    if blood_hu > CONTRAST_WARNING_HU:
        flags.append(Flag("contrast_possible", "warning", f"The blood has {blood_hu:.0f} HU: was contrast given?"))
    if noise_hu > NOISE_ZERO_HU:
        flags.append(
            Flag("noise", "warning", f"Noise of {noise_hu:.0f} HU: small calcifications are lost in it, 0 is not sure.")
        )
    elif noise_hu > NOISE_WARNING_HU:
        flags.append(Flag("noise", "warning", f"Noise of {noise_hu:.0f} HU: above the 20 HU that scoring aims at."))
    return tuple(flags)
