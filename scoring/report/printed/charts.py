"""Charts of a PDF as numbers: places are fractions of a chart's width and height (down), with words beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

from scoring.report.common.words import headline
from scoring.report.pictures import change_chart, percentile_chart, style
from scoring.report.pictures.axis import LogAxis
from scoring.report.pictures.style import Colour
from scoring.report.printed.texts import Texts
from scoring.result import CATEGORIES, Category
from scoring.risk.change import Change
from scoring.risk.percentile import Percentile
from scoring.risk.population import PERCENTS, Level

CATEGORY_KEYS: Final[dict[Category, str]] = {"0": "none", "1-100": "mild", "101-400": "moderate", ">400": "severe"}
"""The category's part in the keys of texts."""

_ZERO: Final = 0.1
_GAP: Final = 0.008
_LEAST_END: Final = 4000.0
_TICKS: Final = (1, 10, 100, 400, 1000, 10_000, 100_000)
_LINE: Final = 0.12
_TIME: Final = 0.2

Point = tuple[float, float]


def scale(texts: Texts, total: float, category: Category) -> dict[str, Any]:
    """Boxes of the categories on a logarithmic axis from 1 on, ticks, and the mark inside the score's own category."""
    end = max(_LEAST_END, 1.6 * total)

    def place(score: float) -> float:
        return _ZERO + 2 * _GAP + math.log(max(score, 1.0)) / math.log(end) * (1 - _ZERO - 2 * _GAP)

    edges = [place(border) for border in (1.0, 100.0, 400.0, end)]
    spans = [(0.0, _ZERO), *((low, high - _GAP / 2) for low, high in pairwise(edges))]
    left, right = spans[CATEGORIES.index(category)]
    x = (left + right) / 2 if category == "0" else min(max(place(total), left + 0.012), right - 0.012)
    words = figure(texts, total)
    return {
        "alt": texts(
            "report.scale", score=words, category=category, words=texts(f"categories.{CATEGORY_KEYS[category]}")
        ),
        "boxes": [
            {
                "left": low,
                "right": high,
                "colour": hexadecimal(style.CATEGORY_COLOUR[one]),
                "word": texts(f"categories.{CATEGORY_KEYS[one]}_short"),
                "chosen": one == category,
            }
            for one, (low, high) in zip(CATEGORIES, spans, strict=True)
        ],
        "ticks": [
            {"x": _ZERO / 2, "word": "0"},
            *({"x": place(tick), "word": f"{tick}"} for tick in _TICKS if tick < 0.9 * end),
        ],
        "mark": {"x": min(max(x, 0.03), 0.97), "word": words},
    }


def percentile(texts: Texts, found: Percentile, total: float) -> dict[str, Any]:
    """Bands and curves of the patient's group over age, names at their right ends, and the patient."""
    levels = percentile_chart.curve(found)
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
    marks = [(across(age), f"{age}") for age in decades]
    if len(levels) == 1:
        marks = [(0.5, texts("report.at_this_age"))]
    age = texts.short(found.age_years)
    return {
        "alt": texts("report.percentile_chart", age=age, score=figure(texts, total)),
        "ticks": [{"y": axis.at(tick), "word": f"{tick}"} for tick in axis.ticks(_LINE)],
        "marks": [{"x": x, "word": word} for x, word in marks],
        "unit": "" if len(levels) == 1 else texts("report.axis_age"),
        "bands": [[*below, *reversed(above)] for below, above in pairwise(lines)],
        "lines": lines,
        "names": _names(texts, levels[-1], axis),
        "patient": (across(found.age_years), axis.at(total)),
    }


def change(texts: Texts, found: Change) -> dict[str, Any]:
    """Scores over the years, the last one now; the band is what a repeated scan may show."""
    points = change_chart.points(found)
    difference, limit = found.agatston, found.agatston.limit or 0.0
    most = max(*(score for _, score in points), difference.then + limit, 1.0)
    first = min(points[0][0], -0.1)

    def place(years: float, score: float) -> Point:
        return 1 - years / first, 1 - max(score, 0.0) / most

    band = None
    if limit > 0 and len(points) > 1:
        start, end = points[-2][0], points[-1][0]
        low, high = max(difference.then - limit, 0.0), difference.then + limit
        band = [place(start, low), place(end, low), place(end, high), place(start, high)]
    now = date.fromisoformat(found.date) + timedelta(days=found.interval_days)
    told = [
        texts(
            "report.change_point",
            score=figure(texts, score),
            date=texts.date((now + timedelta(days=round(years * 365.25))).isoformat()),
        )
        for years, score in points
    ]
    newest = list(reversed(points))
    shown = set(_apart([place(*point)[0] for point in newest], 0.14))
    timed = set(_apart([place(*point)[0] for point in newest], _TIME))
    return {
        "alt": texts("report.change_chart", points=", ".join(told)),
        "band": band,
        "line": [place(*point) for point in points],
        "scores": [
            {"x": place(*point)[0], "y": place(*point)[1], "word": figure(texts, point[1]), "last": index == 0}
            for index, point in enumerate(newest)
            if index in shown
        ],
        "times": [
            {
                "x": place(*point)[0],
                "word": texts("report.chart_years", years=texts.signed(point[0]))
                if index
                else texts("report.chart_now"),
            }
            for index, point in enumerate(newest)
            if index in timed
        ],
    }


def figure(texts: Texts, total: float) -> str:
    """A score as it is spoken, in the language's form."""
    return headline(total).replace(".", texts("format.decimal"))


def hexadecimal(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _names(texts: Texts, last: Level, axis: LogAxis) -> list[dict[str, Any]]:
    """Names of the curves, moved apart where they would meet."""
    names, y = [], 1.0 + _LINE * 0.5
    for percent, score in zip(PERCENTS, last.scores, strict=True):
        y = min(axis.at(score), y - _LINE * 0.8)
        names.append({"y": y, "word": texts("report.percent", percent=percent)})
    return names


def _apart(places: Sequence[float], least: float) -> Iterable[int]:
    """Indices of places that keep their distance, the first ones first."""
    kept: list[float] = []
    for index, place in enumerate(places):
        if all(abs(place - other) >= least for other in kept):
            kept.append(place)
            yield index
