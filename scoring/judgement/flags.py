"""What a reader of the score should know about the scan, as flags with stable codes."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.candidates.conventions import BY_KVP, Convention, imitates_120_kvp
from scoring.images import reconstruction
from scoring.images.acquisition import Acquisition
from scoring.images.geometry import Stack
from scoring.judgement.mass import MassFactor
from scoring.result import CATEGORIES, ArteryValues, Flag, Lesion
from scoring.risk import context

# a voltage is written as 120 or 120.0; anything else is another one
_KVP = 120
# the method uses slices of 3 mm
_REFERENCE_MM = 3.0
_ROUNDED_MM = 0.05
# the 95 % limit of a repeated scan at a score of 10 is 18 (Chung et al., AJR 2008): below, a score is inside its noise
_SMALL = 10.0


@dataclass(frozen=True, slots=True)
class Range:
    """Totals without and with every uncertain lesion, and the lesions in question."""

    low: float
    high: float
    doubtful: int
    left_out: int


def scan_flags(
    stack: Stack, acquisition: Acquisition, convention: Convention, mass: MassFactor | None, left_out: int
) -> list[Flag]:
    """Flags on voltage, reconstruction, geometry and calibration; `left_out` images of the series were no axial CT."""
    flags = [*_voltage(acquisition, convention), *_reconstruction(acquisition), *_spacing(stack)]
    if not acquisition.gated:
        flags.append(
            Flag("gating_unknown", "info", "the header tells of no ECG gating; without it, scores agree less well")
        )
    if mass is None:
        flags.append(
            Flag(
                "no_mass_factor", "info", "neither the header nor the configuration has a mass factor: no calcium mass"
            )
        )
    flags.extend(
        Flag("gap", "warning", f"{gap.missing} slice(s) missing between slices {gap.after + 1} and {gap.after + 2}")
        for gap in stack.gaps
    )
    if stack.duplicates:
        flags.append(Flag("duplicates", "info", f"{stack.duplicates} slice(s) were there twice; each counts once"))
    if stack.tilt_deg:
        flags.append(
            Flag(
                "tilt",
                "info",
                f"gantry tilted by {stack.tilt_deg:.1f} degrees: spacing is measured along the normal of the slices",
            )
        )
    if left_out:
        flags.append(
            Flag("other_images", "info", f"{left_out} image(s) of the series are no axial CT and were left out")
        )
    return flags


def _voltage(acquisition: Acquisition, convention: Convention) -> list[Flag]:
    kvp, kernel = acquisition.kvp, acquisition.kernel
    at = f"from {convention.threshold_hu:g} HU"
    if kvp is None:
        return [Flag("kvp_unknown", "warning", f"tube voltage unknown: scored {at} as at {_KVP} kVp")]
    if round(kvp) == _KVP:
        return []
    if imitates_120_kvp(kernel):
        name = kernel.partition("\\")[0]
        return [Flag("kvp_kernel", "info", f"{kvp:g} kVp, scored {at}: the kernel {name} imitates {_KVP} kVp")]
    if convention.name != "kvp-adapted":
        return [Flag("kvp", "warning", f"{kvp:g} kVp, scored {at} as at {_KVP} kVp: scores differ between voltages")]
    if round(kvp) not in BY_KVP:
        return [Flag("kvp", "warning", f"{kvp:g} kVp has no published threshold: scored {at} as at {_KVP} kVp")]
    return [
        Flag(
            "kvp_adapted",
            "warning",
            f"{kvp:g} kVp, scored {at} (Grani 2018): adapted thresholds still changed the category of 7 % at 80 kVp "
            "and 17 % at 70 kVp",
        )
    ]


def _reconstruction(acquisition: Acquisition) -> list[Flag]:
    """Flags on what the images were made with.

    Monoenergetic: attenuation depends on the energy, values can be very different (PS3.17 JJJJ.4). Iterative: Caruso,
    Acad Radiol 2016;23(12).
    """
    kernel, maker, words = acquisition.kernel, acquisition.manufacturer, acquisition.descriptions
    flags = []
    if energy := reconstruction.monoenergetic(acquisition.image_type, acquisition.energy_kev, words):
        flags.append(
            Flag(
                "monoenergetic",
                "warning",
                f"virtual monoenergetic images ({energy}): how bright calcium is depends on the energy, and the method "
                f"is made for {_KVP} kVp",
            )
        )
    if how := reconstruction.iterative(kernel, maker, acquisition.algorithm, words):
        flags.append(
            Flag(
                "iterative",
                "warning",
                f"iterative reconstruction ({how}): a strong one lowers the score (ADMIRE 3 and 5 by 12 % and 20 %: "
                "Caruso 2016)",
            )
        )
    if name := reconstruction.sharp(kernel, maker):
        flags.append(
            Flag(
                "kernel",
                "warning",
                f"sharp kernel ({name}): edges overshoot and noise is high, so that the score can be too high",
            )
        )
    return flags


def _spacing(stack: Stack) -> list[Flag]:
    step = stack.spacing_mm[0]
    thickness = max((item.thickness_mm for item in stack.slices if item.thickness_mm), default=None)
    flags = []
    if abs((thickness or step) - _REFERENCE_MM) > 0.5 + _ROUNDED_MM:
        flags.append(
            Flag(
                "thickness",
                "info",
                f"slices of {thickness or step:g} mm; the method uses {_REFERENCE_MM:g} mm",
            )
        )
    if thickness is not None and thickness > step + _ROUNDED_MM:
        flags.append(
            Flag(
                "overlap",
                "info",
                f"slices of {thickness:g} mm every {step:g} mm overlap: counted with spacing / {_REFERENCE_MM:g} mm",
            )
        )
    if thickness is not None and thickness < step - _ROUNDED_MM:
        flags.append(
            Flag(
                "slices_apart",
                "warning",
                f"slices of {thickness:g} mm every {step:g} mm: there are gaps between them",
            )
        )
    return flags


def result_flags(agatston: ArteryValues, lesions: tuple[Lesion, ...], found: Range) -> list[Flag]:
    """Flags on the numbers themselves: uncertain lesions, a small total, calcium in the left main, a total over 1,000.

    Over 1,000: Obisesan, Radiol Cardiothorac Imaging 2021;3:e200484.
    """
    flags = []
    if found.doubtful or found.left_out:
        flags.append(
            Flag(
                "review",
                "warning",
                f"{found.doubtful} counted and {found.left_out} uncounted lesion(s) are uncertain: "
                f"the total lies between {found.low:.1f} and {found.high:.1f}, {_categories(found)}",
            )
        )
    if 0 < agatston.total < _SMALL:
        flags.append(
            Flag("small", "info", f"total under {_SMALL:g} ({agatston.total:.1f}): inside the noise of a repeated scan")
        )
    if any(item.artery == "LM" for item in lesions):
        flags.append(Flag("left_main", "info", f"calcium in the left main ({agatston.LM:.1f})"))
    if agatston.total > 1000:
        flags.append(
            Flag(
                "over_1000",
                "info",
                f"total over 1,000 ({agatston.total:.0f}) (Obisesan, Radiol Cardiothorac Imaging 2021;3:e200484)",
            )
        )
    return flags


def _categories(found: Range) -> str:
    """The categories that a range reaches, in words, and what follows for the reader."""
    low, high = (CATEGORIES.index(context.category(total, any_lesion=total > 0)) for total in (found.low, found.high))
    if low == high:
        return f"category {CATEGORIES[low]} either way: it does not depend on them"
    reached = f"{', '.join(CATEGORIES[low:high])} or {CATEGORIES[high]}"
    return f"category {reached}: look at them in the images before the category is used"
