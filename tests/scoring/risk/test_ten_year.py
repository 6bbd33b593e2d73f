"""Arterial age and ten-year risk by the published formulas."""

from __future__ import annotations

import dataclasses
import math

import pytest

from scoring.result import Patient, Statement
from scoring.risk import ten_year
from scoring.risk.ten_year import Clinical

MAN = Patient(70, "male", "hispanic")
CLINICAL = Clinical(
    total_cholesterol=190,
    hdl_cholesterol=50,
    systolic_pressure=130,
    blood_pressure_medication=True,
    lipid_medication=False,
    diabetes=False,
    smoker=False,
    family_history=False,
)
BOTH = ("with_score", "without_score")
AGES = {"first": 45, "last": 85}
FROM_THE_CLINIC = ("cholesterol", "blood_pressure", "medication", "diabetes", "smoking", "family_history")


@pytest.mark.parametrize(("score", "age"), [(0, 39.1), (100, 72.56), (400, 82.56), (1000, 89.19)])
def test_arterial_age(score, age) -> None:
    assert ten_year.arterial_age(score) == pytest.approx(age, abs=0.005)


@pytest.mark.parametrize(("score", "percent"), [(0, 3.059), (100, 10.43), (400, 14.86), (1000, 18.67)])
def test_ten_year_risk_of_the_published_example(score, percent) -> None:
    risk = ten_year.ten_year(MAN, CLINICAL, score)
    assert risk.with_score == pytest.approx(percent, abs=0.005)
    assert risk.without_score == pytest.approx(8.614, abs=0.0005)


@pytest.mark.parametrize(
    ("values", "with_score", "without"),
    [
        ({"diabetes": True}, 0.3892, 0.5168),
        ({"smoker": True}, 0.3717, 0.4732),
        ({"family_history": True}, 0.3239, 0.4522),
        ({"lipid_medication": True}, 0.1206, 0.2473),
        ({"blood_pressure_medication": False}, -0.2278, -0.3381),
        ({"total_cholesterol": 290}, 0.43, 0.53),
        ({"hdl_cholesterol": 60}, -0.114, -0.14),
        ({"systolic_pressure": 140}, 0.066, 0.085),
    ],
)
def test_each_value_has_its_coefficient(values, with_score, without) -> None:
    """The logarithm of the log survival moves by the coefficient of the table."""
    base = ten_year.ten_year(MAN, CLINICAL, 50)
    other = ten_year.ten_year(MAN, dataclasses.replace(CLINICAL, **values), 50)
    moved = [log_hazard(getattr(other, name)) - log_hazard(getattr(base, name)) for name in BOTH]
    assert moved == pytest.approx([with_score, without], abs=1e-9)


@pytest.mark.parametrize(
    ("patient", "with_score", "without"),
    [
        (Patient(70, "female", "hispanic"), -0.4079, -0.7496),
        (Patient(60, "male", "hispanic"), -0.172, -0.455),
        (Patient(70, "male", "white"), 0.0222, 0.1900),
        (Patient(70, "male", "chinese"), 0.0222 - 0.3475, 0.1900 - 0.5055),
        (Patient(70, "male", "black"), 0.0222 + 0.0353, 0.1900 - 0.2111),
    ],
)
def test_age_sex_and_group_have_their_coefficients(patient, with_score, without) -> None:
    base, other = ten_year.ten_year(MAN, CLINICAL, 50), ten_year.ten_year(patient, CLINICAL, 50)
    moved = [log_hazard(getattr(other, name)) - log_hazard(getattr(base, name)) for name in BOTH]
    assert moved == pytest.approx([with_score, without], abs=1e-9)


def log_hazard(percent: float) -> float:
    return math.log(-math.log(1 - percent / 100))


@pytest.mark.parametrize(
    ("patient", "clinical", "reason"),
    [
        (Patient(), CLINICAL, Statement.build("patient_unknown", missing=("age", "sex", "group"))),
        (dataclasses.replace(MAN, group=None), CLINICAL, Statement.build("patient_unknown", missing=("group",))),
        (MAN, None, Statement.build("patient_unknown", missing=FROM_THE_CLINIC)),
        (dataclasses.replace(MAN, age_years=44.5), CLINICAL, Statement.build("age_outside_range", age=44, **AGES)),
        (dataclasses.replace(MAN, age_years=86), CLINICAL, Statement.build("age_outside_range", age=86, **AGES)),
    ],
)
def test_without_every_input_there_is_no_risk(patient, clinical, reason) -> None:
    assert ten_year.ten_year(patient, clinical, 100) == reason
