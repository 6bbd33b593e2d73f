"""The scores of people like the patient over age, and the patient's among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from scoring.report.pictures import style
from scoring.report.pictures.axis import LogAxis
from scoring.report.pictures.drawing import Drawing, Fine
from scoring.report.pictures.lettering import fitted
from scoring.report.pictures.style import Box, Colour
from scoring.risk import population
from scoring.risk.percentile import Percentile, at_age
from scoring.risk.population import PERCENTS, Level

_LEFT: Final = 42
_RIGHT: Final = 40
_SEX: Final = {"female": "women", "male": "men"}
# between the 25th, 50th, 75th and 90th percentile; the middle of a group is the brightest
_BANDS: Final[tuple[Colour, ...]] = ((34, 58, 80), (44, 78, 108), (34, 58, 80))
_CURVE: Final[Colour] = (120, 170, 210)


def draw(drawing: Drawing, box: Box, found: Percentile, total: float) -> None:
    """Band in words, then the curves of the patient's group with the score; of a site's own table one age alone."""
    left, top, right, bottom = box
    lines, size = fitted(people(found), right - left, 1, (15, 14, 13, 12))
    drawing.words((left, top + 14), lines[0], size, colour=style.FAINT)
    drawing.words((left, top + 37), standing(found), 19, colour=style.STRONG, face="Medium")
    chart = (left + _LEFT, top + 54, right - _RIGHT, bottom - 20)
    levels = curve(found)
    most = max(1.15 * total, 1.15 * levels[-1].scores[-1], 10.0)
    axis = LogAxis(chart[3], chart[1], most)
    for tick in axis.ticks(14):
        y = axis.at(tick)
        drawing.line((chart[0], y), (chart[2], y), style.PANEL)
        drawing.words((chart[0] - 6, y), f"{tick}", 13, colour=style.FAINT, anchor="rm")
    first, last = _ages(levels)

    def across(age: float) -> float:
        return chart[0] + (age - first) / (last - first) * (chart[2] - chart[0])

    if len(levels) > 1:
        for age in range(10 * math.ceil(first / 10), math.floor(last) + 1, 10):
            drawing.line((across(age), chart[3]), (across(age), chart[3] + 4), style.FAINT)
            drawing.words((across(age), chart[3] + 17), f"{age}", 13, colour=style.FAINT, anchor="ms")
        drawing.words((chart[2] + 4, chart[3] + 17), "years", 13, colour=style.FAINT)
    else:
        drawing.words((across(found.age_years), chart[3] + 17), "at this age", 13, colour=style.FAINT, anchor="ms")
    with drawing.smooth((chart[0] - 8, chart[1] - 8, chart[2] + 8, chart[3] + 8)) as fine:
        for index, colour in enumerate(_BANDS):
            _band(fine, [[(across(x), axis.at(y)) for x, y in _line(levels, index + up)] for up in (0, 1)], colour)
        for index in range(len(PERCENTS)):
            fine.line([(across(x), axis.at(y)) for x, y in _line(levels, index)], _CURVE, 2 if index == 1 else 1.2)
        at = (across(found.age_years), axis.at(total))
        fine.disc(at, 7, style.BACKGROUND)
        fine.disc(at, 5, style.STRONG)
    _names(drawing, [axis.at(score) for score in levels[-1].scores], chart)


def people(found: Percentile) -> str:
    """The people that a score is compared with, in one line."""
    group = "" if found.group == population.ALL else f"{found.group} "
    return (
        f"{group}{_SEX.get(found.sex, found.sex)}".capitalize()
        + f" of {found.age_years:.4g} years ({found.population})"
    )


def standing(found: Percentile) -> str:
    """The band, and the estimate where there is one."""
    if found.estimate == 0:
        return "No calcium"
    band = f"{found.band} percentile"
    return band if found.estimate is None else f"{band} (about {found.estimate})"


def curve(found: Percentile) -> list[Level]:
    """Levels of the patient's group year by year; where the table is a site's own, that of the patient's age alone."""
    shipped = population.mesa()
    levels = next(
        (item for (group, sex), item in shipped.levels.items() if (group, sex) == (found.group, found.sex)), ()
    )
    if found.population != shipped.name or not levels:
        return [Level(found.age_years, found.p_nonzero_percent, (found.p25, found.p50, found.p75, found.p90))]
    years = range(math.ceil(levels[0].age), math.floor(levels[-1].age) + 1)
    return [at_age(levels, age) for age in years]


def _ages(levels: Sequence[Level]) -> tuple[float, float]:
    margin = 1.0 if len(levels) == 1 else 0.0
    return levels[0].age - margin, levels[-1].age + margin


def _line(levels: Sequence[Level], index: int) -> list[tuple[float, float]]:
    """Age and score along one percentile; across the chart where one age alone is known."""
    if len(levels) == 1:
        return [(age, levels[0].scores[index]) for age in _ages(levels)]
    return [(level.age, level.scores[index]) for level in levels]


def _band(fine: Fine, edges: Sequence[list[tuple[float, float]]], colour: Colour) -> None:
    below, above = edges
    for (low, next_low), (high, next_high) in zip(pairwise(below), pairwise(above), strict=True):
        fine.area([low, next_low, next_high, high], colour)


def _names(drawing: Drawing, ends: Sequence[float], chart: Box) -> None:
    """Names of the curves at their right ends, moved apart where they would meet."""
    y = chart[3] + 14.0
    for percent, end in zip(PERCENTS, ends, strict=True):
        y = min(end, y - 14)
        drawing.words((chart[2] + 4, y), f"{percent}th", 13, colour=_CURVE, anchor="lm")
