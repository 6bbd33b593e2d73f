"""Percentile of a score among people of the same age, sex and group without clinical disease."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.risk.patient import Patient
from scoring.risk.population import ALL, PERCENTS, Level, Population

NO_CALCIUM: Final = "no calcium"
_ESTIMATE: Final = "The estimate is read between the table's values: median error 1.7 points, worst 12"
_CONFIGURED: Final = "The population group is the one that the site configured for all patients"


@dataclass(frozen=True, slots=True)
class Percentile:
    """Where a score stands in a named population.

    `population` names the table ("MESA"), `group`, `sex` and `age_years` the people compared with. `estimate` is a
    whole per cent, 0 for no calcium, None above the table's last percentile; `band` is its words, for instance
    "75th-90th", ">90th" or "no calcium". `p_nonzero_percent` have any calcium; `p25` to `p90` are Agatston scores.
    `caveats` are sentences that belong beside the number.
    """

    population: str
    citation: str
    group: str
    sex: str
    age_years: float
    estimate: int | None
    band: str
    p_nonzero_percent: float
    p25: float
    p50: float
    p75: float
    p90: float
    caveats: tuple[str, ...] = ()


def percentile(
    population: Population, agatston: float, patient: Patient, caveats: Sequence[str] = ()
) -> tuple[Percentile | None, str]:
    """Where an Agatston score stands among the patient's like, or None and a sentence that says why not.

    Age counts in completed years. `caveats` are those of the scan; those of the table and the patient are added.
    """
    missing = [name for name, value in (("age", patient.age_years), ("sex", patient.sex)) if value is None]
    if patient.group is None and not any(group == ALL for group, _ in population.levels):
        missing.append("population group")
    if missing or patient.age_years is None or patient.sex is None:
        return None, f"not known of the patient: {', '.join(missing)}"
    people = population.of(patient.group, patient.sex)
    if people is None:
        asked = patient.sex if patient.group is None else f"{patient.group} {patient.sex}"
        return None, f"{population.name} has no values for: {asked}"
    group, levels = people
    age = math.floor(patient.age_years)
    if not levels[0].age <= age <= levels[-1].age:
        return None, (
            f"{age} years are outside the table of {population.name} ({levels[0].age:g} to {levels[-1].age:g} years)"
        )
    level = at_age(levels, age)
    estimate, band = standing(level, agatston)
    p25, p50, p75, p90 = (float(math.floor(score + 0.5)) for score in level.scores)
    told = [*caveats, *population.caveats]
    if patient.group_origin == "configuration" and group == patient.group:
        told.append(_CONFIGURED)
    if estimate:
        told.append(_ESTIMATE)
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
        caveats=tuple(told),
    ), ""


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


def standing(level: Level, agatston: float) -> tuple[int | None, str]:
    """The estimated percentile, a whole per cent, and its band in words.

    Linear in ln(score + 1) from the share without calcium over the percentiles of the table; None above the last.
    """
    if agatston <= 0:
        return 0, NO_CALCIUM
    if agatston > level.scores[-1]:
        return None, f">{PERCENTS[-1]}th"
    points = [(0.0, 100 - level.nonzero_percent)]
    for percent, score in zip(PERCENTS, level.scores, strict=True):
        if score > points[-1][0] and percent > points[-1][1]:
            points.append((score, float(percent)))
    (below, from_), (above, to) = next(pair for pair in itertools.pairwise(points) if agatston <= pair[1][0])
    share = (math.log1p(agatston) - math.log1p(below)) / (math.log1p(above) - math.log1p(below))
    return max(1, round(from_ + share * (to - from_))), _band(level, agatston)


def _band(level: Level, agatston: float) -> str:
    reached = sum(agatston >= score for score in level.scores[:-1])
    if reached == 0:
        return f"under {PERCENTS[0]}th"
    return f"{PERCENTS[reached - 1]}th-{PERCENTS[reached]}th"
