"""Remarks that a reader of the score should know, as flags with stable codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from scoring.candidates.conventions import BY_KVP, Convention, imitates_120_kvp
from scoring.images import reconstruction
from scoring.images.acquisition import REFERENCE_KVP, Acquisition
from scoring.images.geometry import Stack
from scoring.images.selection import LeftOut
from scoring.images.slabbing import REFERENCE_MM
from scoring.judgement.category import categorise
from scoring.judgement.mass import MassFactor
from scoring.result import CATEGORIES, ArteryValues, Category, Flag, Lesion, Range
from scoring.risk.comparison import NOISE_BELOW

# up to half a millimetre off the method's slice thickness is not worth a flag
_TOLERATED_MM: Final = 0.5
_ROUNDED_MM: Final = 0.05
# images that scanners add to a series as a matter of course, and marked as what they are
_USUAL_COMPANIONS: Final = ("localizer", "other_object")
# a flag lists so many images
_MOST_LISTED: Final = 100
# Obisesan, Radiol Cardiothorac Imaging 2021;3:e200484
_EXTENSIVE: Final = 1000.0


OF_RESULT: Final = frozenset({"review", "small", "left_main", "over_1000"})
"""Codes of the flags on the numbers, those of `flag_result`."""


def flag_scan(
    stack: Stack,
    acquisition: Acquisition,
    convention: Convention,
    mass: MassFactor | None,
    left_out: Sequence[LeftOut] = (),
    *,
    slab_slices: int = 1,
) -> list[Flag]:
    """Flags on voltage, reconstruction, geometry and calibration, and on images that do not belong to the series.

    `slab_slices` images are averaged into each slice that is scored.
    """
    flags = [*_flag_voltage(acquisition, convention), *_flag_reconstruction(acquisition)]
    flags.extend(_flag_spacing(stack, slab_slices))
    if not acquisition.gated:
        flags.append(Flag.build("gating_unknown", "info"))
    if mass is None:
        flags.append(Flag.build("no_mass_factor", "info"))
    flags.extend(
        Flag.build("gap", "warning", count=gap.missing, after=gap.after + 1, before=gap.after + 2) for gap in stack.gaps
    )
    if stack.duplicates:
        flags.append(Flag.build("duplicates", "info", count=stack.duplicates))
    if stack.tilt_deg:
        flags.append(Flag.build("tilt", "info", angle_deg=stack.tilt_deg))
    if any(item.meaning.unit_unspecified for item in stack.slices):
        flags.append(Flag.build("unit_unspecified", "warning"))
    if acquisition.lossy:
        flags.append(Flag.build("lossy", "warning"))
    flags.extend(_flag_others(left_out))
    return flags


def _flag_others(left_out: Sequence[LeftOut]) -> Iterator[Flag]:
    if not left_out:
        return
    why = tuple(sorted({item.why for item in left_out}))
    uids = tuple(item.sop_instance_uid for item in left_out[:_MOST_LISTED])
    reasons = tuple(item.why for item in left_out[:_MOST_LISTED])
    if set(why) <= set(_USUAL_COMPANIONS):
        yield Flag.build("other_images", "info", count=len(left_out), why=why, uids=uids, reasons=reasons)
    else:
        yield Flag.build("other_images", "warning", count=len(left_out), why=why, uids=uids, reasons=reasons)


def _flag_voltage(acquisition: Acquisition, convention: Convention) -> Iterator[Flag]:
    kvp, kernel, threshold_hu = acquisition.kvp, acquisition.kernel, convention.threshold_hu
    if kvp is None:
        yield Flag.build("kvp_unknown", "warning", threshold_hu=threshold_hu, reference=REFERENCE_KVP)
    elif round(kvp) == REFERENCE_KVP:
        return
    elif imitates_120_kvp(kernel):
        name = kernel.partition("\\")[0]
        yield Flag.build("kvp_kernel", "info", kvp=kvp, threshold_hu=threshold_hu, kernel=name, reference=REFERENCE_KVP)
    elif convention.name != "kvp-adapted":
        yield Flag.build("kvp", "warning", variant="fixed", kvp=kvp, threshold_hu=threshold_hu, reference=REFERENCE_KVP)
    elif round(kvp) not in BY_KVP:
        yield Flag.build(
            "kvp", "warning", variant="unpublished", kvp=kvp, threshold_hu=threshold_hu, reference=REFERENCE_KVP
        )
    else:
        yield Flag.build("kvp_adapted", "warning", kvp=kvp, threshold_hu=threshold_hu)


def _flag_reconstruction(acquisition: Acquisition) -> Iterator[Flag]:
    """Flags on the reconstruction.

    Monoenergetic: attenuation depends on the energy, values can be very different (PS3.17 JJJJ.4). Density: CT numbers
    follow the electron density (van der Heyden, Phys Imaging Radiat Oncol 2017;2:11). Iterative: Caruso, Acad Radiol
    2016;23(12).
    """
    kernel, maker, words = acquisition.kernel, acquisition.manufacturer, acquisition.descriptions
    if energy := reconstruction.find_monoenergetic(acquisition.image_type, acquisition.energy_kev, words):
        yield Flag.build("monoenergetic", "warning", energy=energy, reference=REFERENCE_KVP)
    if name := reconstruction.find_density_kernel(kernel, maker, words):
        yield Flag.build("density_kernel", "warning", kernel=name)
    if signs := reconstruction.find_iterative(kernel, maker, acquisition.algorithm, words):
        yield Flag("iterative", "warning", values=signs)
    if name := reconstruction.find_sharp_kernel(kernel, maker):
        yield Flag.build("kernel", "warning", kernel=name)


def _flag_spacing(stack: Stack, slab_slices: int) -> Iterator[Flag]:
    step = stack.spacing_mm[0]
    thickness = stack.thickness_mm or step
    if slab_slices > 1:
        slab_mm = round(slab_slices * step, 6)
        yield Flag.build(
            "slabs", "info", count=slab_slices, slab_mm=slab_mm, spacing_mm=step, reference_mm=REFERENCE_MM
        )
    elif abs(thickness - REFERENCE_MM) > _TOLERATED_MM + _ROUNDED_MM:
        yield Flag.build("thickness", "info", thickness_mm=thickness, reference_mm=REFERENCE_MM)
    if thickness > step + _ROUNDED_MM and slab_slices == 1:
        yield Flag.build("overlap", "info", thickness_mm=thickness, spacing_mm=step, reference_mm=REFERENCE_MM)
    if thickness < step - _ROUNDED_MM:
        yield Flag.build("slices_apart", "warning", thickness_mm=thickness, spacing_mm=step)


def flag_result(
    agatston: ArteryValues, lesions: tuple[Lesion, ...], ends: Range, *, cut: bool = False
) -> Iterator[Flag]:
    """Flags on the numbers: uncertain lesions, a small total, calcium in the left main, a total over 1,000.

    `cut` tells that a part of the heart lies below the images.
    """
    reached = _categories(ends)
    if ends.doubtful or ends.left_out:
        yield Flag.build(
            "review",
            "warning",
            variant="same" if len(reached) == 1 else "open",
            counted=ends.doubtful,
            left_out=ends.left_out,
            low=ends.low,
            high=ends.high,
            categories=reached,
        )
    elif cut:
        yield Flag.build("review", "warning", variant="cut", low=ends.low)
    elif len(reached) > 1:
        yield Flag.build("review", "info", variant="border", low=ends.low, high=ends.high, categories=reached)
    if 0 < agatston.total < NOISE_BELOW:
        yield Flag.build("small", "info", limit=NOISE_BELOW, total=agatston.total)
    if any(item.artery == "LM" for item in lesions):
        yield Flag.build("left_main", "info", agatston=agatston.LM)
    if agatston.total > _EXTENSIVE:
        yield Flag.build("over_1000", "info", total=agatston.total)


def _categories(ends: Range) -> tuple[Category, ...]:
    """The categories that a range spans, the lowest first."""
    low, high = (CATEGORIES.index(categorise(total, any_lesion=total > 0)) for total in (ends.low, ends.high))
    return CATEGORIES[low : high + 1]
