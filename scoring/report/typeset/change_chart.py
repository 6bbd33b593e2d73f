"""The scores of earlier scans and of this one over time.

Places are fractions of the chart's width and height (down).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from dicom.dates import parse_date
from scoring.report.common.texts import Texts
from scoring.report.typeset.headline import figure
from scoring.result import Change

DAYS_A_YEAR: Final = 365.25

Point = tuple[float, float]

# minimum distances between two scores, and between two times
_SCORE: Final = 0.14
_TIME: Final = 0.2


def change_chart(texts: Texts, change: Change) -> dict[str, Any]:
    """Scores over the years, the last one now; the band is what a repetition of the earlier scan may show."""
    course = points(change)
    most = max(*(score for _, score in course), change.agatston.then + (change.agatston.limit or 0.0), 1.0)
    first = min(course[0][0], -0.1)

    def place(years: float, score: float) -> Point:
        return 1 - years / first, 1 - max(score, 0.0) / most

    newest = [(*point, *place(*point)) for point in reversed(course)]
    across = [x for _, _, x, _ in newest]
    shown, timed = set(_keep_apart(across, _SCORE)), set(_keep_apart(across, _TIME))
    return {
        "alt": texts("report.change_chart", points=", ".join(_describe_points(texts, change, course))),
        "band": [place(*corner) for corner in _band(change, course)],
        "line": [place(*point) for point in course],
        "scores": [
            {"x": x, "y": y, "word": figure(texts, score), "last": index == 0}
            for index, (_, score, x, y) in enumerate(newest)
            if index in shown
        ],
        "times": [
            {"x": x, "word": _time(texts, years) if index else texts("report.chart_now")}
            for index, (years, _, x, _) in enumerate(newest)
            if index in timed
        ],
    }


def points(change: Change) -> list[Point]:
    """Years (0 is now, earlier ones below) and Agatston scores, the oldest first; one without a date is left out."""
    now = _find_scan_date(change)
    known = [(change.date, change.agatston.then), *((item.date, item.agatston) for item in change.history)]
    # the earlier scan is usually in the history, and must then appear once
    unique = dict.fromkeys((day, round(score, 4)) for day, score in known)
    dated = [(parse_date(day), score) for day, score in unique]
    years = [((day - now).days / DAYS_A_YEAR, score) for day, score in dated if day is not None]
    return [*sorted(years), (0.0, change.agatston.now)]


def _find_scan_date(change: Change) -> date:
    earlier = parse_date(change.date)
    if earlier is None:
        raise ValueError(f"a change since {change.date!r}, which is no date")
    return earlier + timedelta(days=change.interval_days)


def _band(change: Change, course: Sequence[Point]) -> list[Point]:
    """Corners of what a repetition of the earlier scan may show, from that scan until now; none without a limit."""
    limit, then = change.agatston.limit or 0.0, change.agatston.then
    if limit <= 0 or len(course) < 2:
        return []
    start, end = course[-2][0], course[-1][0]
    low, high = max(then - limit, 0.0), then + limit
    return [(start, low), (end, low), (end, high), (start, high)]


def _describe_points(texts: Texts, change: Change, course: Sequence[Point]) -> Iterable[str]:
    """Each score with its date, for readers by voice."""
    for years, score in course:
        day = _find_scan_date(change) + timedelta(days=round(years * DAYS_A_YEAR))
        yield texts("report.change_point", score=figure(texts, score), date=texts.date(day.isoformat()))


def _time(texts: Texts, years: float) -> str:
    return texts("report.chart_years", years=texts.signed(years))


def _keep_apart(places: Sequence[float], least: float) -> Iterable[int]:
    """Indices of places that keep their distance, the first ones first."""
    kept: list[float] = []
    for index, place in enumerate(places):
        if all(abs(place - other) >= least for other in kept):
            kept.append(place)
            yield index
