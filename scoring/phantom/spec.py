"""Specification of a phantom: its calcifications, its scan and its patient."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from scoring.phantom.distractor_kinds import DEFAULT_DISTRACTORS, DISTRACTOR_KINDS, METAL_IN_HEART, DistractorKind
from scoring.result import ARTERIES, Artery

SliceProfile = Literal["rectangular", "triangular"]
PatientPosition = Literal["HFS", "HFP", "FFS", "FFP"]
NoiseTexture = Literal["standard", "sharp", "smooth"]


@dataclass(frozen=True, slots=True)
class Calcification:
    """A calcified piece of one coronary artery: a round rod that follows the vessel in its wall.

    `position` runs from 0 (origin of the artery) to 1 (its end); `diameter_mm` is the thickness of the rod and
    `length_mm` its whole length along the vessel (None: a sphere of that diameter). `hu` is the attenuation
    in HU that the solid material adds to the tissue there, before blurring. With a `branch` above 0 it lies in that
    side branch of the artery, counted from 1 and round again if there are fewer; without any, in the artery.
    """

    artery: Artery
    position: float
    diameter_mm: float
    hu: float
    length_mm: float | None = None
    branch: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for a calcification that cannot be built."""
        if self.artery not in ARTERIES:
            raise ValueError(f"artery is {self.artery!r}, allowed are {', '.join(ARTERIES)}")
        if not 0 <= self.position <= 1:
            raise ValueError(f"position is {self.position}, allowed is 0 to 1")
        if not 0 < self.diameter_mm <= 12:
            raise ValueError(f"diameter_mm is {self.diameter_mm}, allowed is above 0 and up to 12")
        if not 0 < self.hu <= 3000:
            raise ValueError(f"hu is {self.hu}, allowed is above 0 and up to 3000")
        if self.length_mm is not None and not self.diameter_mm <= self.length_mm <= 60:
            raise ValueError(f"length_mm is {self.length_mm}, allowed is the diameter up to 60")
        if not 0 <= self.branch <= 9:
            raise ValueError(f"branch is {self.branch}, allowed is 0 to 9")

    def scaled(self, factor: float) -> Calcification:
        """Return the same piece with `factor` times its volume: a longer or shorter rod, or a sphere if too short.

        Raises ValueError if it cannot be built.
        """
        ends = self.diameter_mm / 3
        length = factor * ((self.length_mm or self.diameter_mm) - ends) + ends
        if length >= self.diameter_mm:
            return dataclasses.replace(self, length_mm=round(length, 6))
        # For a sphere, length - diameter / 3 is 2 / 3 of the diameter.
        thinner = self.diameter_mm * (1.5 * (length - ends) / self.diameter_mm) ** (1 / 3)
        return dataclasses.replace(self, diameter_mm=round(thinner, 6), length_mm=None)


DEFAULT_CALCIFICATIONS: Final = (
    Calcification("LM", 0.52, 2.6, 480.0, 4.0),
    Calcification("LAD", 0.10, 3.0, 700.0, 5.0),
    Calcification("LAD", 0.27, 2.6, 800.0, 4.0),
    Calcification("LAD", 0.48, 2.6, 800.0),
    Calcification("LCX", 0.30, 2.8, 800.0, 4.0),
    Calcification("RCA", 0.22, 2.8, 700.0, 4.5),
    Calcification("RCA", 0.50, 2.8, 700.0, 5.0),
)
"""A patient with calcium in all four arteries."""


_LIMITS: Final = {
    "seed": (0, 2**31 - 1),
    "slice_thickness_mm": (0.5, 10.0),
    "slice_increment_mm": (0.25, 20.0),
    "z_offset_mm": (-50.0, 50.0),
    "above_left_main_mm": (-150.0, 170.0),
    "below_left_main_mm": (-100.0, 220.0),
    "matrix": (64, 1024),
    "field_of_view_mm": (100.0, 420.0),
    "noise_sd_hu": (0.0, 100.0),
    "kvp": (70, 150),
    "variation": (0.0, 1.0),
    "kernel_fwhm_mm": (0.5, 2.5),
    "gantry_tilt_deg": (-15.0, 15.0),
    "edge_enhancement": (0.0, 1.5),
    "streak_noise_hu": (0.0, 60.0),
    "motion_mm": (0.0, 8.0),
    "distractor_strength": (0.1, 10.0),
}


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """Everything that decides a phantom: equal specs give equal files, byte for byte.

    Lengths are in mm, attenuations in HU. `seed` selects the patient; `calcifications` None means
    `DEFAULT_CALCIFICATIONS`, an empty tuple a patient without coronary calcium. The scan extends from
    `above_left_main_mm` above the origin of the left main to `below_left_main_mm` below it; `z_offset_mm`
    shifts all slices along z. `contrast` sets blood to 300 HU. Identifiers that are None
    are derived from the spec.

    `distractors` names the kinds of `DISTRACTOR_KINDS` that the patient has (True: `DEFAULT_DISTRACTORS`). Some kinds
    range from a speck to the severest; above 1, `distractor_strength` draws more severe ones, below 1 milder ones.
    `variation` from 0 (an average adult, lying straight) to 1 sets how far size, pose, heart, vessels, fat and
    diaphragm may depart from the average. `kernel_fwhm_mm` is the width of the in-plane point spread function: 1 is a
    standard kernel, less a sharper one. The HU of calcium apply at 120 kVp and change with `kvp`. `patient_position` is
    that of PS3.3 C.7.3.1.1.2; rows and columns follow the gantry, so the order in which a patient is stored depends on
    it; `flip_columns` and `flip_rows` reverse that order.

    `gantry_tilt_deg` tilts the gantry about the left-right axis; if positive, the back of a slice is higher than its
    front. `edge_enhancement` is the share of the fine detail that a sharp kernel adds again, `noise_texture` the
    texture: that of a standard kernel, a sharp one or iterative reconstruction. `streak_noise_hu` is the standard
    deviation of the horizontal streaks between the shoulders of an average adult. `motion_mm` is the motion of the
    coronary arteries while a slice is acquired; `gated` is what the header says about gating. The series leaves out
    `missing_slices`, counted from the feet.
    """

    seed: int = 0
    slice_thickness_mm: float = 3.0
    slice_increment_mm: float = 3.0
    slice_profile: SliceProfile = "rectangular"
    z_offset_mm: float = 0.0
    above_left_main_mm: float = 36.0
    below_left_main_mm: float = 114.0
    matrix: int = 512
    field_of_view_mm: float = 230.0
    noise_sd_hu: float = 15.0
    kvp: int = 120
    calcifications: tuple[Calcification, ...] | None = None
    distractors: bool | tuple[DistractorKind, ...] = True
    contrast: bool = False
    patient_id: str | None = None
    patient_name: str = "PHANTOM^CORONODE"
    study_date: str = "20240102"
    study_instance_uid: str | None = None
    variation: float = field(default=0.0, repr=False)
    kernel_fwhm_mm: float = field(default=1.0, repr=False)
    patient_position: PatientPosition = field(default="HFS", repr=False)
    gantry_tilt_deg: float = field(default=0.0, repr=False)
    flip_columns: bool = field(default=False, repr=False)
    flip_rows: bool = field(default=False, repr=False)
    edge_enhancement: float = field(default=0.0, repr=False)
    noise_texture: NoiseTexture = field(default="standard", repr=False)
    streak_noise_hu: float = field(default=0.0, repr=False)
    motion_mm: float = field(default=0.0, repr=False)
    gated: bool = field(default=True, repr=False)
    missing_slices: tuple[int, ...] = field(default=(), repr=False)
    distractor_strength: float = field(default=1.0, repr=False)

    def __post_init__(self) -> None:
        """Raise ValueError for a phantom that cannot be scanned."""
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, allowed is {low} to {high}")
        if self.above_left_main_mm + self.below_left_main_mm < self.slice_increment_mm:
            raise ValueError("the scan range holds fewer than two slices")
        if not re.fullmatch(r"\d{8}", self.study_date):
            raise ValueError(f"study_date is {self.study_date!r}, it must be YYYYMMDD")
        unknown = set(self.distractor_kinds) - set(DISTRACTOR_KINDS)
        if unknown:
            raise ValueError(f"distractors names {sorted(unknown)}, allowed are {', '.join(DISTRACTOR_KINDS)}")
        for name, allowed in (
            ("slice_profile", get_args(SliceProfile)),
            ("patient_position", get_args(PatientPosition)),
            ("noise_texture", get_args(NoiseTexture)),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}, allowed are {', '.join(allowed)}")
        if not set(self.missing_slices) < set(range(self.slices)):
            raise ValueError(f"missing_slices is {self.missing_slices}, the scan has slices 0 to {self.slices - 1}")

    @property
    def slices(self) -> int:
        """Number of slices in the scan."""
        length = self.above_left_main_mm + self.below_left_main_mm
        return math.floor(length / self.slice_increment_mm + 1e-9) + 1

    @property
    def lesions(self) -> tuple[Calcification, ...]:
        """The calcifications of the patient."""
        return DEFAULT_CALCIFICATIONS if self.calcifications is None else self.calcifications

    @property
    def distractor_kinds(self) -> tuple[DistractorKind, ...]:
        """The kinds of distractors of the patient, each once, in the order of `DISTRACTOR_KINDS`."""
        if isinstance(self.distractors, bool):
            return DEFAULT_DISTRACTORS if self.distractors else ()
        known = tuple(kind for kind in DISTRACTOR_KINDS if kind in self.distractors)
        return known + tuple(kind for kind in self.distractors if kind not in DISTRACTOR_KINDS)

    @property
    def has_metal_in_heart(self) -> bool:
        """Whether refusing the series because of metal is as correct as scoring it."""
        return not METAL_IN_HEART.isdisjoint(self.distractor_kinds)

    @property
    def identity(self) -> str:
        """Text that identifies the series: equal for specs that give equal images, different otherwise."""
        kinds = self.distractor_kinds
        plain = bool(kinds) if kinds in ((), DEFAULT_DISTRACTORS) else kinds
        own = [f"{n.name}={getattr(self, n.name)!r}" for n in dataclasses.fields(self) if not n.repr]
        usual = [f"{n.name}={n.default!r}" for n in dataclasses.fields(self) if not n.repr]
        return " ".join(
            [
                repr(dataclasses.replace(self, distractors=plain)),
                *(o for o, u in zip(own, usual, strict=True) if o != u),
            ]
        )
