"""Percentile of a score among people of the same age, sex and group without clinical disease."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from scoring.result import Band, Group, Patient, Percentile, Sex, Statement
from scoring.risk.population import ALL, PERCENTS, Level, Population


def percentile(
    population: Population, agatston: float, patient: Patient, caveats: Sequence[Statement] = ()
) -> Percentile | Statement:
    """The percentile of an Agatston score among comparable people, or the reason why it is not known.

    Age counts in completed years. `caveats` are those of the scan; those of the table and the patient are added.
    """
    missing = [name for name, value in (("age", patient.age_years), ("sex", patient.sex)) if value is None]
    if patient.group is None and not any(group == ALL for group, _ in population.levels):
        missing.append("group")
    if missing or patient.age_years is None or patient.sex is None:
        return Statement.build("patient_unknown", missing=tuple(missing))
    people = population.of(patient.group, patient.sex)
    if people is None:
        return _without_values(population, patient.group, patient.sex)
    group, levels = people
    age = math.floor(patient.age_years)
    if not levels[0].age <= age <= levels[-1].age:
        first, last = levels[0].age, levels[-1].age
        return Statement.build("age_outside_table", age=age, population=population.name, first=first, last=last)
    level = at_age(levels, age)
    estimate, band = standing(level, agatston)
    p25, p50, p75, p90 = (float(math.floor(score + 0.5)) for score in level.scores)
    remarks = [*caveats, *population.caveats]
    if patient.group_origin == "configuration" and group == patient.group:
        remarks.append(Statement.build("group_configured"))
    if estimate:
        remarks.append(Statement.build("estimate_interpolated"))
    return Percentile(
        population=population.name,
        citation=population.citation,
        group=group,
        sex=patient.sex,
        age_years=float(age),
        estimate=estimate,
        band=band,
        p_nonzero_percent=float(math.floor(level.nonzero_percent + 0.5)),
        p25=p25,
        p50=p50,
        p75=p75,
        p90=p90,
        caveats=tuple(remarks),
    )


def _without_values(population: Population, group: Group | None, sex: Sex) -> Statement:
    if group is None:
        return Statement.build("population_without", population=population.name, sex=sex)
    return Statement.build("population_without", variant="group", population=population.name, group=group, sex=sex)


def at_age(levels: Sequence[Level], age: float) -> Level:
    """The level of an age within the table: scores linear on their square root between its ages.

    Where fewer people have calcium than a percentile would ask for, its score is 0.
    """
    older = next(index for index, level in enumerate(levels) if age <= level.age)
    if levels[older].age == age:
        return levels[older]
    low, high = levels[older - 1], levels[older]
    part = (age - low.age) / (high.age - low.age)
    nonzero = low.nonzero_percent + part * (high.nonzero_percent - low.nonzero_percent)

    def between(index: int) -> float:
        if PERCENTS[index] < 100 - nonzero:
            return 0.0
        first, last = math.sqrt(low.scores[index]), math.sqrt(high.scores[index])
        return round((first + part * (last - first)) ** 2, 6)

    return Level(age, nonzero, (between(0), between(1), between(2), between(3)))


def standing(level: Level, agatston: float) -> tuple[int | None, Band]:
    """The estimated percentile, a whole per cent, and its band.

    Linear in ln(score + 1) from the share without calcium over the percentiles of the table; None above the last.
    """
    if agatston <= 0:
        return 0, "no calcium"
    if agatston > level.scores[-1]:
        return None, ">90th"
    points = [(0.0, 100 - level.nonzero_percent)]
    for percent, score in zip(PERCENTS, level.scores, strict=True):
        if score > points[-1][0] and percent > points[-1][1]:
            points.append((score, float(percent)))
    (below, from_), (above, to) = next(pair for pair in itertools.pairwise(points) if agatston <= pair[1][0])
    share = (math.log1p(agatston) - math.log1p(below)) / (math.log1p(above) - math.log1p(below))
    return max(1, round(from_ + share * (to - from_))), _find_band(level, agatston)


def _find_band(level: Level, agatston: float) -> Band:
    bands: tuple[Band, ...] = ("under 25th", "25th-50th", "50th-75th", "75th-90th")
    return bands[sum(agatston >= score for score in level.scores[:-1])]
