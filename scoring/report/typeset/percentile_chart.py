"""The scores of people like the patient over age, and the patient's among them.

Places are fractions of the chart's width and height (down).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from scoring.report.common.texts import Texts
from scoring.report.typeset.axis import LogAxis
from scoring.report.typeset.headline import figure
from scoring.result import Percentile
from scoring.risk import population
from scoring.risk.percentile import at_age
from scoring.risk.population import PERCENTS, Level

Point = tuple[float, float]

# minimum distance between two lines of text
_LINE: Final = 0.12


def percentile_chart(texts: Texts, percentile: Percentile, total: float) -> dict[str, Any]:
    """Bands and curves of the patient's group over age, names at their right ends, and the patient."""
    levels = curve(percentile)
    axis = LogAxis(1.0, 0.0, max(1.15 * total, 1.15 * levels[-1].scores[-1], 10.0))
    margin = 1.0 if len(levels) == 1 else 0.0
    first, last = levels[0].age - margin, levels[-1].age + margin

    def across(age: float) -> float:
        return (age - first) / (last - first)

    def line(index: int) -> list[Point]:
        ends = [(first, levels[0]), *((level.age, level) for level in levels), (last, levels[-1])]
        return [(across(age), axis.at(level.scores[index])) for age, level in ends]

    lines = [line(index) for index in range(len(PERCENTS))]
    decades = range(10 * math.ceil(first / 10), math.floor(last) + 1, 10)
    marks = [{"x": across(age), "word": f"{age}"} for age in decades]
    if len(levels) == 1:
        marks = [{"x": 0.5, "word": texts("report.at_this_age")}]
    age = texts.short(percentile.age_years)
    return {
        "alt": texts("report.percentile_chart", age=age, score=figure(texts, total)),
        "ticks": [{"y": axis.at(tick), "word": f"{tick}"} for tick in axis.ticks(_LINE)],
        "marks": marks,
        "unit": "" if len(levels) == 1 else texts("report.axis_age"),
        "bands": [[*below, *reversed(above)] for below, above in pairwise(lines)],
        "lines": lines,
        "names": _names(texts, levels[-1].scores, axis),
        "patient": (across(percentile.age_years), axis.at(total)),
    }


def curve(percentile: Percentile) -> list[Level]:
    """Levels of the patient's group year by year; where the table is a site's own, that of the patient's age alone."""
    shipped = population.load_mesa()
    levels = next((one for people, one in shipped.levels.items() if people == (percentile.group, percentile.sex)), ())
    if percentile.population != shipped.name or not levels:
        scores = (percentile.p25, percentile.p50, percentile.p75, percentile.p90)
        return [Level(percentile.age_years, percentile.p_nonzero_percent, scores)]
    years = range(math.ceil(levels[0].age), math.floor(levels[-1].age) + 1)
    return [at_age(levels, age) for age in years]


def _names(texts: Texts, scores: Sequence[float], axis: LogAxis) -> list[dict[str, Any]]:
    """Names of the curves, moved apart where they would meet."""
    names, y = [], 1.0 + _LINE * 0.5
    for percent, score in zip(PERCENTS, scores, strict=True):
        y = min(axis.at(score), y - _LINE * 0.8)
        names.append({"y": y, "word": texts("report.percent", percent=percent)})
    return names
