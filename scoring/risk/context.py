"""From a total to the words that readers use: category, CAC-DRS, and the risk in context of published tables."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from config.settings import RiskSettings
from scoring.result import Artery, Category, Risk, Score, SeriesInfo
from scoring.risk import population, ten_year
from scoring.risk.patient import NOTHING, Patient
from scoring.risk.percentile import percentile
from scoring.risk.ten_year import Clinical

_NO_SETTINGS: Final = RiskSettings()
# a voltage is written as 120 or 120.0
_KVP: Final = 120


@dataclass(frozen=True, slots=True)
class Context:
    """What images do not say of the patient: the site's settings, and what whoever asks for the score knows.

    `patient` wins over the header; without `clinical` there is no ten-year risk.
    """

    settings: RiskSettings = _NO_SETTINGS
    patient: Patient = NOTHING
    clinical: Clinical | None = None


def category(total: float, *, any_lesion: bool) -> Category:
    """The product's category; borders are judged on the total rounded to an integer.

    A total that rounds to 0 is in the second category when any lesion counts.
    """
    rounded = _rounded(total)
    if rounded == 0 and not any_lesion:
        return "0"
    if rounded <= 100:
        return "1-100"
    return "101-400" if rounded <= 400 else ">400"


def cac_drs(total: float, arteries: Iterable[Artery | None]) -> str:
    """CAC-DRS of a total and the arteries of its lesions, as "A2/N3"; "A0" when there is no lesion.

    Hecht et al., J Cardiovasc Comput Tomogr 2018;12:185: A1 = 1-99, A2 = 100-299, A3 from 300 (300 itself by
    doi 10.1186/s12968-023-00958-5); N = number of the arteries LM, LAD, LCX, RCA with calcium. Where a lesion's
    artery is not known (None), N is not either and is left out.
    """
    found = set(arteries)
    if not found:
        return "A0"
    rounded = _rounded(total)
    grade = 1 if rounded < 100 else 2 if rounded < 300 else 3
    return f"A{grade}" if None in found else f"A{grade}/N{len(found)}"


def in_context(score: Score, patient: Patient, context: Context) -> Score:
    """The score with its patient, its percentile and what follows by published tables, or why it does not.

    Raises ConfigurationError when the site's own table cannot be used.
    """
    if score.agatston is None:
        return replace(score, patient=patient)
    total = score.agatston.total
    people = population.configured(context.settings)
    found, percentile_reason = percentile(people, total, patient, _caveats(score.series))
    with_score, without, ten_year_reason = ten_year.ten_year(patient, context.clinical, total)
    return replace(
        score,
        patient=patient,
        percentile=found,
        risk=Risk(
            arterial_age_years=round(ten_year.arterial_age(total), 2),
            ten_year_percent=None if with_score is None else round(with_score, 3),
            ten_year_without_percent=None if without is None else round(without, 3),
            ten_year_reason=ten_year_reason,
            percentile_reason=percentile_reason,
        ),
    )


def _caveats(series: SeriesInfo) -> list[str]:
    """What of the scan makes it less comparable with a population."""
    caveats = []
    if not series.gated:
        caveats.append("The header tells of no ECG gating: compare with caution")
    if series.kvp is None:
        caveats.append("The tube voltage is not known: compare with caution")
    elif round(series.kvp) != _KVP:
        caveats.append(f"Scanned at {series.kvp:g} kVp, not {_KVP}: compare with caution")
    return caveats


def _rounded(total: float) -> int:
    return math.floor(total + 0.5)
