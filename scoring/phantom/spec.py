"""What a phantom is to be: its calcifications, its scan and its patient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from scoring.result import ARTERIES, Artery

SliceProfile = Literal["rectangular", "triangular"]


@dataclass(frozen=True, slots=True)
class Calcification:
    """A calcified piece of one coronary artery: a round rod that follows the vessel.

    `position` runs from 0 (origin of the artery) to 1 (its end); `diameter_mm` is the rod's thickness and
    `length_mm` its whole length along the vessel (None: a sphere of that diameter). `hu` is the attenuation
    in HU that the solid material adds to what lies behind it, before blur.
    """

    artery: Artery
    position: float
    diameter_mm: float
    hu: float
    length_mm: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be built (ValueError)."""
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


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """Everything that decides a phantom: equal specs give equal files, byte for byte.

    Lengths are mm, attenuations HU. `seed` chooses the patient; calcifications None means
    `DEFAULT_CALCIFICATIONS`, an empty tuple a patient without coronary calcium. The scan reaches from
    `above_left_main_mm` over the left main's origin to `below_left_main_mm` under it; `z_offset_mm`
    moves all slices along z. `contrast` fills blood with 300 HU. Identifiers that are None
    are derived from the spec.
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
    distractors: bool = True
    contrast: bool = False
    patient_id: str | None = None
    patient_name: str = "PHANTOM^CORONODE"
    study_date: str = "20240102"
    study_instance_uid: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be scanned (ValueError)."""
        limits = {
            "seed": (0, 2**31 - 1),
            "slice_thickness_mm": (0.5, 10.0),
            "slice_increment_mm": (0.25, 20.0),
            "z_offset_mm": (-50.0, 50.0),
            "above_left_main_mm": (-100.0, 60.0),
            "below_left_main_mm": (-40.0, 140.0),
            "matrix": (64, 1024),
            "field_of_view_mm": (100.0, 420.0),
            "noise_sd_hu": (0.0, 100.0),
            "kvp": (70, 150),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, allowed is {low} to {high}")
        if self.above_left_main_mm + self.below_left_main_mm < self.slice_increment_mm:
            raise ValueError("the scan range holds fewer than two slices")
        if not re.fullmatch(r"\d{8}", self.study_date):
            raise ValueError(f"study_date is {self.study_date!r}, it must be YYYYMMDD")

    @property
    def lesions(self) -> tuple[Calcification, ...]:
        """The calcifications that are built."""
        return DEFAULT_CALCIFICATIONS if self.calcifications is None else self.calcifications
