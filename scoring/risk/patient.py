"""The patient as risk tables ask for it: age, sex, population group, body mass."""

from __future__ import annotations

import re
from typing import Final

from pydicom.dataset import Dataset

from config.risk import RiskSettings
from dicom import elements
from dicom.dates import parse_date, scan_date
from dicom.legal import read_sex
from scoring.result import Group, Patient, Sex

_AGE: Final = re.compile(r"(\d{1,3})([DWMY])")
_A_YEAR: Final = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_SEXES: Final[dict[str, Sex]] = {"F": "female", "M": "male"}
# a value outside is a wrong unit or a placeholder
_OLDEST: Final = 120.0
_HEIGHTS_M: Final = (0.5, 2.5)
_WEIGHTS_KG: Final = (10.0, 400.0)
_BMI: Final = (10.0, 100.0)

NOTHING: Final = Patient()


def read_patient(dataset: Dataset, settings: RiskSettings, stated: Patient = NOTHING) -> Patient:
    """The patient of an image: what was `stated` wins over the header, the header over the configuration's one group.

    Age is Patient's Age (0010,1010), else from the dates of birth and of the scan; group follows from Ethnic Group
    (0010,2160) through `risk.groups`. Impossible values count as missing.
    """
    group, origin = _choose_group(dataset, settings, stated)
    sex = _SEXES.get(read_sex(elements.text(dataset, "PatientSex")))
    return Patient(
        age_years=stated.age_years if stated.age_years is not None else _read_age(dataset),
        sex=stated.sex or sex,
        group=group,
        group_origin=origin,
        bmi=stated.bmi if stated.bmi is not None else _compute_bmi(dataset),
    )


def _choose_group(dataset: Dataset, settings: RiskSettings, stated: Patient) -> tuple[Group | None, str]:
    if stated.group is not None:
        return stated.group, stated.group_origin
    mapped = {words.strip().casefold(): group for words, group in settings.groups.items()}
    coded = elements.inner(dataset, "EthnicGroupCodeSequence")
    words = (
        elements.text(dataset, "EthnicGroup"),
        *(elements.text(coded, keyword) for keyword in ("CodeMeaning", "CodeValue") if coded is not None),
    )
    for text in words:
        if text and text.casefold() in mapped:
            return mapped[text.casefold()], "header"
    return settings.group, "" if settings.group is None else "configuration"


def _read_age(dataset: Dataset) -> float | None:
    """Age String (PS3.5 6.2), else completed years between birth and scan."""
    stated = _AGE.fullmatch(elements.text(dataset, "PatientAge").upper())
    if stated:
        years = int(stated[1]) / _A_YEAR[stated[2]]
        return round(years, 2) if years <= _OLDEST else None
    born, scanned = parse_date(elements.text(dataset, "PatientBirthDate")), scan_date(dataset)
    if born is None or scanned is None:
        return None
    completed = scanned.year - born.year - ((scanned.month, scanned.day) < (born.month, born.day))
    return float(completed) if 0 <= completed <= _OLDEST else None


def _compute_bmi(dataset: Dataset) -> float | None:
    """From Patient's Size (0010,1020) in m and Patient's Weight (0010,1030) in kg (PS3.3 C.7.2.2)."""
    height, weight = elements.number(dataset, "PatientSize"), elements.number(dataset, "PatientWeight")
    if height is None or weight is None:
        return None
    if not (_HEIGHTS_M[0] <= height <= _HEIGHTS_M[1] and _WEIGHTS_KG[0] <= weight <= _WEIGHTS_KG[1]):
        return None
    bmi = weight / height**2
    return round(bmi, 1) if _BMI[0] <= bmi <= _BMI[1] else None
