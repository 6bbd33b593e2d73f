"""The score in the context of published tables: percentile, arterial age and ten-year risk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from config.risk import RiskSettings
from scoring.images.acquisition import REFERENCE_KVP
from scoring.result import Patient, Percentile, Risk, Score, SeriesInfo, Statement
from scoring.risk import population, ten_year
from scoring.risk.patient import NOTHING
from scoring.risk.percentile import percentile
from scoring.risk.ten_year import Clinical, TenYearRisk

_NO_SETTINGS: Final = RiskSettings()


@dataclass(frozen=True, slots=True)
class Context:
    """Facts that images lack: the site's settings, and what the caller knows about the patient.

    `patient` takes precedence over the header; without `clinical` there is no ten-year risk.
    """

    settings: RiskSettings = _NO_SETTINGS
    patient: Patient = NOTHING
    clinical: Clinical | None = None


def add_context(score: Score, patient: Patient, context: Context) -> Score:
    """The score with its patient, its percentile and the published estimates, or the reasons why they are missing.

    Raises ConfigurationError when the site's own table cannot be used.
    """
    if score.agatston is None:
        return replace(score, patient=patient)
    total = score.agatston.total
    people = population.load_configured(context.settings)
    standing = percentile(people, total, patient, tuple(_caveats(score.series)))
    chance = ten_year.ten_year(patient, context.clinical, total)
    risk = chance if isinstance(chance, TenYearRisk) else None
    return replace(
        score,
        patient=patient,
        percentile=standing if isinstance(standing, Percentile) else None,
        risk=Risk(
            arterial_age_years=round(ten_year.arterial_age(total), 2),
            ten_year_percent=None if risk is None else round(risk.with_score, 3),
            ten_year_without_percent=None if risk is None else round(risk.without_score, 3),
            ten_year_reason=chance if isinstance(chance, Statement) else None,
            percentile_reason=standing if isinstance(standing, Statement) else None,
        ),
    )


def _caveats(series: SeriesInfo) -> Iterator[Statement]:
    """Properties of the scan that make it less comparable with a population."""
    if not series.gated:
        yield Statement.build("compare_not_gated")
    if series.kvp is None:
        yield Statement.build("compare_kvp_unknown")
    elif round(series.kvp) != REFERENCE_KVP:
        yield Statement.build("compare_kvp", kvp=series.kvp, reference=REFERENCE_KVP)
