"""Scan protocols: calcium scans, and chest scans in which calcium is an incidental finding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import numpy as np

from scoring.phantom.spec import NoiseTexture, PatientPosition, SliceProfile

T = TypeVar("T")
GATED: Final = 0.55
"""Share of the calcium scans."""

_VOXELS: Final = 110_000_000
"""Largest number of voxels in a series, so that it fits the memory of a small machine."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The settings of a scan, named as in `PhantomSpec`; lengths in mm."""

    gated: bool
    slice_thickness_mm: float
    slice_increment_mm: float
    slice_profile: SliceProfile
    z_offset_mm: float
    above_left_main_mm: float
    below_left_main_mm: float
    matrix: int
    field_of_view_mm: float
    noise_sd_hu: float
    noise_texture: NoiseTexture
    streak_noise_hu: float
    kvp: int
    kernel_fwhm_mm: float
    edge_enhancement: float
    motion_mm: float
    gantry_tilt_deg: float
    patient_position: PatientPosition
    flip_columns: bool
    flip_rows: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw a random protocol."""
        return cls.for_calcium(rng) if rng.random() < GATED else cls.of_chest(rng)

    @classmethod
    def for_calcium(cls, rng: np.random.Generator) -> Self:
        """Draw a calcium scan: gated, the heart alone, mostly slices of 3 mm at 120 kVp."""
        thickness = _choose(rng, {3.0: 0.75, 2.5: 0.17, 1.5: 0.05, 0.75: 0.03})
        step = _choose(rng, {1.0: 0.75, 0.5: 0.2, 0.8: 0.05})
        return cls(
            gated=True,
            slice_thickness_mm=thickness,
            slice_increment_mm=round(thickness * step, 3),
            slice_profile=_choose(rng, {"rectangular": 0.7, "triangular": 0.3}),
            z_offset_mm=_uniform(rng, -3, 3, 1),
            above_left_main_mm=_uniform(rng, 28, 58),
            below_left_main_mm=_uniform(rng, 112, 135),
            matrix=_choose(rng, {512: 0.96, 768: 0.04}),
            field_of_view_mm=_uniform(rng, 180, 260) if rng.random() < 0.9 else _uniform(rng, 160, 180),
            noise_sd_hu=_log_uniform(rng, 9, 28),
            noise_texture=_choose(rng, {"standard": 0.75, "smooth": 0.2, "sharp": 0.05}),
            streak_noise_hu=_uniform(rng, 0, 12, 1),
            kvp=_choose(rng, {120: 0.88, 100: 0.05, 130: 0.05, 140: 0.02}),
            kernel_fwhm_mm=_uniform(rng, 0.8, 1.3, 2),
            edge_enhancement=_uniform(rng, 0.1, 0.4, 2) if rng.random() < 0.1 else 0.0,
            motion_mm=_uniform(rng, 0.5, 2.0, 1) if rng.random() < 0.3 else 0.0,
            gantry_tilt_deg=0.0,
            patient_position=_choose(rng, {"HFS": 0.9, "FFS": 0.09, "HFP": 0.01}),
            flip_columns=bool(rng.random() < 0.03),
            flip_rows=bool(rng.random() < 0.03),
        )

    @classmethod
    def of_chest(cls, rng: np.random.Generator) -> Self:
        """Draw a chest scan: not gated, mostly the whole chest with its outline, in slices of 1 to 5 mm."""
        thickness = _choose(rng, {1.0: 0.12, 1.25: 0.1, 1.5: 0.1, 2.0: 0.13, 2.5: 0.15, 3.0: 0.2, 5.0: 0.2})
        whole = rng.random() < 0.8
        above, below = (
            (_uniform(rng, 110, 170), _uniform(rng, 140, 220))
            if whole
            else (_uniform(rng, 40, 90), _uniform(rng, 115, 150))
        )
        matrix = _choose(rng, {512: 0.92, 768: 0.08})
        step = thickness * _choose(rng, {1.0: 0.75, 0.8: 0.15, 0.5: 0.1})
        fewest = (above + below) * matrix**2 / _VOXELS
        if step < fewest:
            step = thickness = max(thickness, math.ceil(fewest * 4) / 4)
        sharp = rng.random() < 0.3
        return cls(
            gated=False,
            slice_thickness_mm=thickness,
            slice_increment_mm=round(step, 3),
            slice_profile=_choose(rng, {"rectangular": 0.4, "triangular": 0.6}),
            z_offset_mm=_uniform(rng, -3, 3, 1),
            above_left_main_mm=above,
            below_left_main_mm=below,
            matrix=matrix,
            field_of_view_mm=_uniform(rng, 310, 420),
            noise_sd_hu=_log_uniform(rng, 12, 40) if sharp else _log_uniform(rng, 6, 30),
            noise_texture=_choose(
                rng, {"sharp": 0.8, "standard": 0.2} if sharp else {"standard": 0.65, "smooth": 0.35}
            ),
            streak_noise_hu=_uniform(rng, 4, 40, 1),
            kvp=_choose(rng, {120: 0.55, 100: 0.2, 80: 0.05, 110: 0.05, 130: 0.08, 140: 0.07}),
            kernel_fwhm_mm=_uniform(rng, 0.7, 1.0, 2) if sharp else _uniform(rng, 0.9, 1.5, 2),
            edge_enhancement=_uniform(rng, 0.3, 1.2, 2) if sharp else 0.0,
            motion_mm=_uniform(rng, 1.0, 7.0, 1),
            gantry_tilt_deg=_uniform(rng, -12, 12, 1) if rng.random() < 0.03 else 0.0,
            patient_position=_choose(rng, {"HFS": 0.75, "FFS": 0.17, "HFP": 0.05, "FFP": 0.03}),
            flip_columns=bool(rng.random() < 0.03),
            flip_rows=bool(rng.random() < 0.03),
        )

    def settings(self, matrix: int | None = None) -> dict[str, Any]:
        """Return the fields of a spec, with `matrix` in place of the drawn one if given."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return own | ({"matrix": matrix} if matrix else {})


def _choose(rng: np.random.Generator, shares: dict[T, float]) -> T:
    """Draw one of several values according to their shares."""
    values = list(shares)
    return values[int(rng.choice(len(values), p=np.array(list(shares.values())) / sum(shares.values())))]


def _uniform(rng: np.random.Generator, low: float, high: float, digits: int = 0) -> float:
    return round(float(rng.uniform(low, high)), digits)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), 1)
