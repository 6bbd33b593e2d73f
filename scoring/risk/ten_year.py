"""Estimates of the MESA study beside the percentile: arterial age and ten-year risk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scoring.result import Patient, Statement

YOUNGEST: Final = 45
OLDEST: Final = 85
CLINICAL: Final = ("cholesterol", "blood_pressure", "medication", "diabetes", "smoking", "family_history")
"""Facts that no image holds, as the catalogue names them."""


@dataclass(frozen=True, slots=True)
class Clinical:
    """Inputs of the ten-year risk beside age, sex, group and score: cholesterol in mg/dL, systolic pressure in mmHg.

    `smoker` is a current smoker, `family_history` that of a heart attack. Images hold none of it.
    """

    total_cholesterol: float
    hdl_cholesterol: float
    systolic_pressure: float
    blood_pressure_medication: bool
    lipid_medication: bool
    diabetes: bool
    smoker: bool
    family_history: bool


@dataclass(frozen=True, slots=True)
class _Coefficients:
    """A column of Table 2; `survival` is that of ten years at the baseline."""

    age: float
    male: float
    chinese: float
    black: float
    hispanic: float
    diabetes: float
    smoker: float
    total_cholesterol: float
    hdl_cholesterol: float
    lipid_medication: float
    systolic_pressure: float
    blood_pressure_medication: float
    family_history: float
    log_agatston: float
    survival: float


# McClelland et al., J Am Coll Cardiol 2015;66:1643, Table 2
_WITH: Final = _Coefficients(
    age=0.0172,
    male=0.4079,
    chinese=-0.3475,
    black=0.0353,
    hispanic=-0.0222,
    diabetes=0.3892,
    smoker=0.3717,
    total_cholesterol=0.0043,
    hdl_cholesterol=-0.0114,
    lipid_medication=0.1206,
    systolic_pressure=0.0066,
    blood_pressure_medication=0.2278,
    family_history=0.3239,
    log_agatston=0.2743,
    survival=0.99833,
)
_WITHOUT: Final = _Coefficients(
    age=0.0455,
    male=0.7496,
    chinese=-0.5055,
    black=-0.2111,
    hispanic=-0.1900,
    diabetes=0.5168,
    smoker=0.4732,
    total_cholesterol=0.0053,
    hdl_cholesterol=-0.0140,
    lipid_medication=0.2473,
    systolic_pressure=0.0085,
    blood_pressure_medication=0.3381,
    family_history=0.4522,
    log_agatston=0.0,
    survival=0.99963,
)


def arterial_age(agatston: float) -> float:
    """Arterial age in years of an Agatston score: McClelland et al., Am J Cardiol 2009;103:59."""
    return 39.1 + 7.25 * math.log1p(agatston)


@dataclass(frozen=True, slots=True)
class TenYearRisk:
    """Risk of coronary heart disease within ten years in per cent, with and without the score."""

    with_score: float
    without_score: float


def ten_year(patient: Patient, clinical: Clinical | None, agatston: float) -> TenYearRisk | Statement:
    """The ten-year risk, or the reason why there is none.

    McClelland et al., J Am Coll Cardiol 2015;66:1643, for 45 to 85 years. Nothing is assumed: without every input
    there is none.
    """
    known = (("age", patient.age_years), ("sex", patient.sex), ("group", patient.group))
    missing = [name for name, value in known if value is None]
    if clinical is None:
        missing += CLINICAL
    if missing or clinical is None or patient.age_years is None:
        return Statement.build("patient_unknown", missing=tuple(missing))
    age = math.floor(patient.age_years)
    if not YOUNGEST <= age <= OLDEST:
        return Statement.build("age_outside_range", age=age, first=YOUNGEST, last=OLDEST)
    return TenYearRisk(
        with_score=_compute_risk(_WITH, age, patient, clinical, agatston),
        without_score=_compute_risk(_WITHOUT, age, patient, clinical, agatston),
    )


def _compute_risk(table: _Coefficients, age: int, patient: Patient, clinical: Clinical, agatston: float) -> float:
    total = (
        table.age * age
        + table.male * (patient.sex == "male")
        + table.chinese * (patient.group == "chinese")
        + table.black * (patient.group == "black")
        + table.hispanic * (patient.group == "hispanic")
        + table.diabetes * clinical.diabetes
        + table.smoker * clinical.smoker
        + table.total_cholesterol * clinical.total_cholesterol
        + table.hdl_cholesterol * clinical.hdl_cholesterol
        + table.lipid_medication * clinical.lipid_medication
        + table.systolic_pressure * clinical.systolic_pressure
        + table.blood_pressure_medication * clinical.blood_pressure_medication
        + table.family_history * clinical.family_history
        + table.log_agatston * math.log1p(agatston)
    )
    return float(100 * (1 - table.survival ** math.exp(total)))
