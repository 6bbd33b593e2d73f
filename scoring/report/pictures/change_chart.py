"""What became of the score since an earlier scan: numbers, a verdict, and the scores over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from dicom.dates import parse_date
from scoring.report.pictures import style
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.lettering import width
from scoring.report.pictures.style import Box, Colour
from scoring.risk.change import Change, Difference

_BAND: Final[Colour] = (48, 54, 64)
_ROW: Final = 18
_COLUMNS: Final = (("then", 118), ("now", 176), ("a year", 238))
_DAYS_A_YEAR: Final = 365.25


def draw(drawing: Drawing, box: Box, change: Change) -> None:
    """Difference and verdict, values then, now and a year, and the points in time.

    No date stands in the picture: with it and a face, a picture would name its patient more than it must.
    """
    left, top, right, bottom = box
    since = f"Since the scan {interval(change.interval_days)} earlier"
    drawing.words((left, top + 14), since, 15, colour=style.FAINT)
    drawing.words((left, top + 37), verdict(change.agatston), 19, colour=style.STRONG, face="Medium")
    y = top + 43
    if change.agatston.exceeds_limit is not None:
        words = f"{'more than' if change.agatston.exceeds_limit else 'within'} the variation of a repeated scan"
        drawing.words((left, top + 57), words, 15, colour=style.PLAIN)
        y += 18
    y = _table(drawing, left, right, y, change)
    _chart(drawing, (left + 6, y + 26, right - 6, bottom - 18), points(change), change.agatston)


def remarks(change: Change) -> Iterator[str]:
    """What has no room in the chart: what the columns mean, and the roots of the volumes."""
    yield "repeat and the grey band are what a repeated scan differs by in 95 %"
    if change.root_volume is not None:
        told = f"root of the volume {change.root_volume:+.2f}"
        verdict_ = (
            "" if change.progression is None else f", {'' if change.progression else 'no '}progression (from 2.5)"
        )
        yield f"{told}{verdict_}"


def interval(days: int) -> str:
    """A time between two scans in the unit that people use."""
    if days < 60:
        return f"{days} day{'' if days == 1 else 's'}"
    months = round(days / _DAYS_A_YEAR * 12)
    return f"{months} months" if months < 24 else f"{days / _DAYS_A_YEAR:.1f} years"


def verdict(found: Difference) -> str:
    """The difference of the score, absolute and in per cent of the earlier one."""
    share = f" ({found.absolute / found.then * 100:+.0f} %)" if found.then > 0 else ""
    return f"Agatston {found.absolute:+.1f}{share}"


def certainty(found: Difference) -> str:
    """Whether a repeated scan may differ as much, and by how much it may."""
    if found.limit is None or found.exceeds_limit is None:
        return "-"
    return f"{'over' if found.exceeds_limit else 'within'} {found.limit:.0f}"


def points(change: Change) -> list[tuple[float, float]]:
    """Years (0 is now, earlier ones below) and Agatston scores, the oldest first; what has no date is left out."""
    now = date.fromisoformat(change.date) + timedelta(days=change.interval_days)
    found = [(change.date, change.agatston.then), *((item.date, item.agatston) for item in change.history)]
    # the scan that is compared with is in the history as a rule, and then stands there once
    unique = dict.fromkeys((day, round(score, 4)) for day, score in found)
    dated = [(parse_date(day), score) for day, score in unique]
    years = [((day - now).days / _DAYS_A_YEAR, score) for day, score in dated if day is not None]
    return [*sorted(years), (0.0, change.agatston.now)]


def _table(drawing: Drawing, left: float, right: float, top: float, change: Change) -> float:
    for title, place in _COLUMNS:
        drawing.words((left + place, top + 14), title, 13, colour=style.FAINT, anchor="rs")
    drawing.words((right, top + 14), "repeat", 13, colour=style.FAINT, anchor="rs")
    top += 16
    rows = (("Agatston", change.agatston), ("mm³", change.volume_mm3), ("mg", change.mass_mg))
    for name, found in rows:
        if found is None:
            continue
        base = top + 14
        drawing.words((left, base), name, 15)
        a_year = "-" if found.per_year is None else f"{found.per_year:+.1f}"
        for words, (_, place) in zip((f"{found.then:.1f}", f"{found.now:.1f}", a_year), _COLUMNS, strict=True):
            drawing.words((left + place, base), words, 15, anchor="rs")
        drawing.words((right, base), certainty(found), 15, anchor="rs")
        top += _ROW
    return top


def _chart(drawing: Drawing, box: Box, found: Sequence[tuple[float, float]], difference: Difference) -> None:
    left, top, right, bottom = box
    limit = difference.limit or 0.0
    most = max([score for _, score in found] + [difference.then + limit, 1.0])
    first = min(found[0][0], -0.1)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return right - 20 - point[0] / first * (right - left - 40), bottom - max(point[1], 0.0) / most * (bottom - top)

    drawing.line((left, bottom), (right, bottom), style.FAINT)
    places = [place(point) for point in found]
    with drawing.smooth((left, top - 10, right, bottom + 1)) as fine:
        if limit > 0 and len(found) > 1:
            low, high = max(difference.then - limit, 0.0), difference.then + limit
            edges = (found[-2][0], found[-1][0])
            fine.area(
                [place((edges[0], low)), place((edges[1], low)), place((edges[1], high)), place((edges[0], high))],
                _BAND,
            )
        for start, end in pairwise(places):
            fine.line((start, end), style.CATEGORY_COLOUR["0"], 2)
        for at in places[:-1]:
            fine.disc(at, 4, style.CATEGORY_COLOUR["0"])
        fine.disc(places[-1], 6, style.STRONG)
    _values(drawing, list(zip(places, found, strict=True)), bottom)


def _values(drawing: Drawing, found: Sequence[tuple[tuple[float, float], tuple[float, float]]], bottom: float) -> None:
    """Scores above their points and years below, from the newest back, where there is room."""
    score_from = year_from = float("inf")
    for index, ((x, y), (years, score)) in enumerate(reversed(found)):
        words = f"{score:.0f}" if score >= 100 else f"{score:.1f}"
        half = width(words, 14, "Medium") / 2 + 3
        if x + half <= score_from:
            ink, face = (style.STRONG, "Medium") if index == 0 else (style.PLAIN, "Regular")
            drawing.words(
                (x, y - 9), words, 14, colour=ink, anchor="ms", face="Medium" if face == "Medium" else "Regular"
            )
            score_from = x - half
        words = "now" if index == 0 else f"{years:.1f} y".replace("-", "\u2212")
        half = width(words, 13) / 2 + 3
        if x + half <= year_from:
            drawing.words((x, bottom + 15), words, 13, colour=style.FAINT, anchor="ms")
            year_from = x - half
