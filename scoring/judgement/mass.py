"""Calcium mass: the calibration factor, and where it comes from.

mass (mg) = factor x mean HU x volume (mm3) / 1000, factor in (mg/cm3)/HU (McCollough et al., Radiology
2007;243:527).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from config.settings import ScoringSettings
from scoring.images.acquisition import Acquisition
from scoring.result import Statement

_SIZES = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class MassFactor:
    """Calibration in (mg/cm3)/HU, and where it comes from."""

    value: float
    origin: Statement


def find_factor(acquisition: Acquisition, settings: ScoringSettings) -> MassFactor | None:
    """The factor that applies to a series, or None.

    Calcium Scoring Mass Factor Patient (0018,9351) takes precedence, then Device (0018,9352) for the configured patient
    size (PS3.3 C.8.2.1, C.8.15.3.9), then the configuration. Zero, negative and not finite are absent. Six decimals
    are kept: the header holds 32-bit numbers.
    """
    patient = acquisition.mass_factor_patient
    if patient is not None and _is_usable(patient):
        return MassFactor(round(patient, 6), Statement.build("mass_factor_patient"))
    device = acquisition.mass_factor_device
    index = _SIZES.index(settings.patient_size)
    if len(device) == len(_SIZES) and _is_usable(device[index]):
        return MassFactor(round(device[index], 6), Statement.build("mass_factor_device", size=settings.patient_size))
    if settings.mass_factor is not None:
        return MassFactor(settings.mass_factor, Statement.build("mass_factor_configured"))
    return None


def compute_mass_mg(calibration: MassFactor, intensity: float) -> float:
    """Mass in mg of an intensity in HU times mm3: mean attenuation times volume, or a sum over the background."""
    return calibration.value * intensity / 1000.0


def _is_usable(value: float) -> bool:
    return math.isfinite(value) and value > 0
