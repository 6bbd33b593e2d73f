"""The numbers of a report, each with its coded name and unit, and the digits that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dicom.coding import Code
from scoring.report.common.words import lesion_count
from scoring.report.sr import codes
from scoring.result import ARTERIES, Artery, Change, Difference, Lesion, Score


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of the report. `method` is a Measurement Method (370129005, SCT); None where the name says enough."""

    name: Code
    value: float
    unit: Code
    digits: int = 2
    method: Code | None = None


def calcium(score: Score, artery: Artery | None) -> list[Quantity]:
    """Agatston, volume, mass and number of lesions of one artery, or of all."""

    def of(values: object) -> float:
        return float(getattr(values, artery or "total"))

    quantities = [_agatston(codes.AGATSTON, of(score.agatston))]
    if score.volume_mm3 is not None:
        quantities.append(Quantity(codes.VOLUME, of(score.volume_mm3), codes.CUBIC_MILLIMETRE))
    if score.mass_mg is not None:
        quantities.append(Quantity(codes.MASS, of(score.mass_mg), codes.MILLIGRAM))
    if score.mass_integrated_mg is not None:
        quantities.append(Quantity(codes.MASS_INTEGRATED, of(score.mass_integrated_mg), codes.MILLIGRAM))
    quantities.append(Quantity(codes.NUMBER_OF_LESIONS, lesion_count(score, artery), codes.LESIONS))
    return quantities


def interval(score: Score) -> list[Quantity]:
    """Ends of the total's interval: excluding and including what is in doubt."""
    if score.agatston_range is None:
        return []
    low, high = score.agatston_range
    return [_agatston(codes.INTERVAL_LOW, low), _agatston(codes.INTERVAL_HIGH, high)]


def territories(score: Score) -> Quantity:
    """The number of the four arteries that have calcium."""
    diseased = sum(lesion_count(score, artery) > 0 for artery in ARTERIES)
    return Quantity(codes.DISEASED_TERRITORIES, diseased, codes.TERRITORIES)


def threshold(score: Score) -> Quantity:
    """Attenuation from which a voxel counts."""
    return Quantity(codes.THRESHOLD, score.provenance.threshold_hu, codes.HOUNSFIELD)


def calibration(score: Score) -> Quantity | None:
    """Factor from attenuation and volume to mass; None when none is known."""
    factor = score.provenance.mass_factor
    return None if factor is None else Quantity(codes.CALIBRATION, factor, codes.MASS_FACTOR, digits=4)


def of_lesion(lesion: Lesion) -> list[Quantity]:
    """Every measurement of one lesion; the certainty that it is coronary calcium in per cent."""
    quantities = [_agatston(codes.AGATSTON, lesion.agatston)]
    quantities.append(Quantity(codes.VOLUME, lesion.volume_mm3, codes.CUBIC_MILLIMETRE))
    if lesion.mass_mg is not None:
        quantities.append(Quantity(codes.MASS, lesion.mass_mg, codes.MILLIGRAM))
    if lesion.mass_integrated_mg is not None:
        quantities.append(Quantity(codes.MASS_INTEGRATED, lesion.mass_integrated_mg, codes.MILLIGRAM))
    quantities.append(Quantity(codes.MEAN_ATTENUATION, lesion.mean_hu, codes.HOUNSFIELD, digits=1))
    quantities.append(Quantity(codes.MAXIMUM_ATTENUATION, lesion.max_hu, codes.HOUNSFIELD, digits=1))
    quantities.append(Quantity(codes.CERTAINTY, lesion.confidence * 100, codes.PERCENT, digits=0))
    return quantities


def risk(score: Score) -> list[Quantity]:
    """Arterial age and ten-year risks, as far as they are known."""
    if score.risk is None:
        return []
    estimates = (
        (codes.ARTERIAL_AGE, score.risk.arterial_age_years, codes.YEAR),
        (codes.TEN_YEAR_RISK, score.risk.ten_year_percent, codes.PERCENT),
        (codes.TEN_YEAR_RISK_WITHOUT, score.risk.ten_year_without_percent, codes.PERCENT),
    )
    return [Quantity(name, value, unit, digits=1) for name, value, unit in estimates if value is not None]


def change(comparison: Change) -> list[Quantity]:
    """The comparison with the earlier scan: each quantity then, its difference, yearly rate and limit of a repeat."""
    quantities = [Quantity(codes.INTERVAL, comparison.interval_days, codes.DAY)]
    parts: tuple[tuple[codes.ChangedName, Difference | None, Code], ...] = (
        ("AGATSTON", comparison.agatston, codes.NO_UNITS),
        ("VOLUME", comparison.volume_mm3, codes.CUBIC_MILLIMETRE),
        ("MASS", comparison.mass_mg, codes.MILLIGRAM),
    )
    for name, difference, unit in parts:
        if difference is not None:
            quantities += _list_difference(name, difference, unit)
    if comparison.root_volume is not None:
        quantities.append(Quantity(codes.ROOT_VOLUME, comparison.root_volume, codes.ROOT_CUBIC_MILLIMETRE))
    return quantities


def _list_difference(name: codes.ChangedName, difference: Difference, unit: Code) -> Iterator[Quantity]:
    parts: tuple[tuple[codes.ChangePart, float | None], ...] = (
        ("THEN", difference.then),
        ("DIFF", difference.absolute),
        ("RATE", difference.per_year),
        ("LIMIT", difference.limit),
    )
    for part, value in parts:
        if value is not None:
            yield Quantity(codes.change_code(name, part), value, codes.per_year(unit) if part == "RATE" else unit)


def _agatston(name: Code, value: float) -> Quantity:
    return Quantity(name, float(value), codes.NO_UNITS, method=codes.AGATSTON_METHOD)
