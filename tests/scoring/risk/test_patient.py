"""What a header says of the patient, and what wins over it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from config.risk import RiskSettings
from scoring.result import Patient
from scoring.risk import patient


def read(settings: RiskSettings | None = None, told: Patient | None = None, **values: object) -> Patient:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return patient.read_patient(dataset, settings or RiskSettings(), told or Patient())


def test_an_empty_header_says_nothing() -> None:
    assert read() == Patient()
    assert read(PatientAge="", PatientSex="", PatientBirthDate="", PatientSize=None, PatientWeight=None) == Patient()


@pytest.mark.parametrize(
    ("stated", "years"),
    [
        ("062Y", 62),
        ("62Y", 62),
        ("744M", 62),
        ("006W", 0.11),
        ("010D", 0.03),
        ("130Y", None),
        ("unknown", None),
        ("62", None),
        ("Y062", None),
    ],
)
def test_age_string(stated, years) -> None:
    assert read(PatientAge=stated).age_years == years


@pytest.mark.parametrize(
    ("born", "scanned", "years"),
    [
        ("19600615", "20200614", 59),
        ("19600615", "20200615", 60),
        ("1960.06.15", "20200615", 60),
        ("19600229", "20210228", 60),
        ("1960", "20200615", None),
        ("20210101", "20200615", None),
        ("18000101", "20200615", None),
        ("00010101", "00010101", None),
        ("19601332", "20200615", None),
        ("19600615", "", None),
    ],
)
def test_age_from_birth_and_scan_in_completed_years(born, scanned, years) -> None:
    assert read(PatientBirthDate=born, AcquisitionDate=scanned).age_years == years


def test_the_stated_age_wins_over_the_dates() -> None:
    assert read(PatientAge="050Y", PatientBirthDate="19600615", StudyDate="20200615").age_years == 50


@pytest.mark.parametrize(("stated", "sex"), [("F", "female"), ("M", "male"), ("m", "male"), ("O", None), ("W", None)])
def test_sex(stated, sex) -> None:
    assert read(PatientSex=stated).sex == sex


@pytest.mark.parametrize(
    ("height", "weight", "bmi"),
    [(1.8, 81, 25), (180, 81, None), (1.8, 0, None), (0, 81, None), (2.4, 20, None), (1.8, None, None)],
)
def test_body_mass_index(height, weight, bmi) -> None:
    assert read(PatientSize=height, PatientWeight=weight).bmi == bmi


def test_the_group_is_mapped_configured_or_told_and_never_guessed() -> None:
    mapping = RiskSettings(groups={"Hispanic or Latino": "hispanic", "413490006": "white"})
    both = mapping.model_copy(update={"group": "chinese"})

    def group(*arguments: object, **values: object) -> tuple[object, str]:
        found = read(*arguments, **values)
        return found.group, found.group_origin

    assert group(EthnicGroup="White") == (None, "")
    assert group(mapping, EthnicGroup="hispanic or latino ") == ("hispanic", "header")
    assert group(mapping, EthnicGroup="other") == (None, "")
    assert group(both, EthnicGroup="other") == ("chinese", "configuration")
    assert group(both, EthnicGroup="HISPANIC OR LATINO") == ("hispanic", "header")
    told = Patient(group="black", group_origin="command line")
    assert group(both, told, EthnicGroup="Hispanic or Latino") == ("black", "command line")
    coded = Dataset()
    coded.CodeValue, coded.CodeMeaning = "413490006", "American Indian"
    assert group(mapping, EthnicGroupCodeSequence=[coded]) == ("white", "header")


def test_what_is_told_wins_over_the_header() -> None:
    found = read(None, Patient(age_years=50.0, sex="female"), PatientAge="062Y", PatientSex="M")
    assert (found.age_years, found.sex) == (50, "female")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_whatever_stands_in_a_header_reading_it_does_not_fail(age, sex, born) -> None:
    found = read(PatientAge=age, PatientSex=sex, PatientBirthDate=born, AcquisitionDate="20200101", EthnicGroup=age)
    assert found.group is None
    assert found.age_years is None or 0 <= found.age_years <= 120
