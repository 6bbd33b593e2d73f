"""The charts of an assessment: totals against each other, differences against means, and months since going live."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scoring.report.agreement.canvas import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Canvas, Point, across, upwards
from scoring.report.agreement.words import format_number
from scoring.report.common.colours import Palette
from scoring.report.common.texts import Texts
from scoring.validation.estimate import Estimate
from scoring.validation.limits import Limits
from scoring.validation.pair import Pair

_TICKS: Final = (
    0,
    10,
    50,
    100,
    200,
    400,
    700,
    1000,
    1500,
    2000,
    3000,
    4000,
    6000,
    8000,
    12_000,
    16_000,
    25_000,
    50_000,
)
_GAP: Final = 0.075
"""Ticks are at least so far apart, in parts of the axis."""
_MOST_POINTS: Final = 3000


_Place = Callable[[float, float], Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its title, and its markup with the description that is read out."""

    title: str
    svg: str
    alt: str


def draw_totals(pairs: Sequence[Pair], texts: Texts, palette: Palette | None = None) -> Chart:
    """Our totals against readers'; crosses where one of them has calcium and the other none."""
    canvas = Canvas()
    most = max([400.0, *(max(pair.ours.total, pair.theirs.total) for pair in pairs)]) * 1.05

    def place(score: float) -> float:
        return math.sqrt(max(score, 0.0) / most)

    for tick in _choose_ticks(most):
        x, y = across(place(tick)), upwards(place(tick))
        canvas.line("grid", (x, TOP), (x, HEIGHT - BOTTOM))
        canvas.line("grid", (LEFT, y), (WIDTH - RIGHT, y))
        canvas.word((x, HEIGHT - BOTTOM + 17), str(tick))
        canvas.word((LEFT - 6, y + 4), str(tick), "end")
    canvas.line("equal", (across(0), upwards(0)), (across(1), upwards(1)))
    canvas.frame(f"{texts('validation.reader')} ({texts('validation.root_scale')})", texts("validation.ours"))
    _scatter(canvas, pairs, [(across(place(one.theirs.total)), upwards(place(one.ours.total))) for one in pairs])
    alt = texts("validation.scatter_alt", n=len(pairs))
    return Chart(texts("validation.scatter"), canvas.to_svg(alt, palette), alt)


def draw_differences(pairs: Sequence[Pair], limits: Limits, texts: Texts, palette: Palette | None = None) -> Chart:
    """Bland and Altman's plot of the square roots, with the limits and their intervals."""
    canvas = Canvas()
    means = [(one.ours.total**0.5 + one.theirs.total**0.5) / 2 for one in pairs]
    edges = [number for one in (limits.lower, limits.upper) for number in (one.low, one.high) if number is not None]
    tallest = max([1.0, *(abs(one.root_difference) for one in pairs), *map(abs, edges)]) * 1.1
    widest = max([10.0, *means]) * 1.05

    def place(mean: float, difference: float) -> Point:
        return across(mean / widest), upwards((difference / tallest + 1) / 2)

    for tick in _choose_steps(tallest):
        canvas.line("grid", place(0, tick), place(widest, tick))
        canvas.word((LEFT - 6, place(0, tick)[1] + 4), texts.signed(tick, 0 if tick == int(tick) else 1), "end")
    for tick in _choose_steps(widest):
        if tick >= 0:
            canvas.word((place(tick, 0)[0], HEIGHT - BOTTOM + 17), texts.short(tick))
    for one, kind in ((limits.lower, "limit"), (limits.upper, "limit"), (limits.bias, "mean")):
        _draw_level(canvas, one, kind, place, widest)
    canvas.frame(texts("validation.differences_x"), texts("validation.differences_y"))
    _scatter(canvas, pairs, [place(mean, one.root_difference) for mean, one in zip(means, pairs, strict=True)])
    bias, low, high = (format_number(one.value, "root", texts) for one in (limits.bias, limits.lower, limits.upper))
    alt = texts("validation.differences_alt", n=len(pairs), bias=bias, low=low, high=high)
    return Chart(texts("validation.differences"), canvas.to_svg(alt, palette), alt)


def draw_months(
    months: Sequence[tuple[str, Estimate]], baseline: Estimate | None, texts: Texts, palette: Palette | None = None
) -> Chart:
    """A share month by month with its intervals; the band is that of the decision."""
    canvas = Canvas()
    known = [(month, one) for month, one in months if one.value is not None][-24:]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.line("grid", (LEFT, upwards(tick)), (WIDTH - RIGHT, upwards(tick)))
        canvas.word((LEFT - 6, upwards(tick) + 4), f"{texts.number(100 * tick, 0)} %", "end")
    if baseline is not None and baseline.low is not None and baseline.high is not None and baseline.value is not None:
        canvas.box("band", (LEFT, upwards(baseline.low)), (WIDTH - RIGHT, upwards(baseline.high)))
        canvas.line("limit", (LEFT, upwards(baseline.value)), (WIDTH - RIGHT, upwards(baseline.value)))
    step = 1 / max(len(known), 1)
    every = math.ceil(len(known) / 6) or 1
    places: list[Point] = []
    for number, (month, one) in enumerate(known):
        x = across((number + 0.5) * step)
        if one.low is not None and one.high is not None:
            canvas.line("bar", (x, upwards(one.low)), (x, upwards(one.high)))
        places.append((x, upwards(one.value or 0.0)))
        if number % every == 0:
            canvas.word((x, HEIGHT - BOTTOM + 17), month)
    canvas.course("course", places)
    canvas.points("points", places)
    canvas.frame(texts("validation.drift_month"), texts("validation.drift_zeros"))
    points = ", ".join(f"{month} {format_number(one.value, 'share', texts)}" for month, one in known)
    alt = texts("validation.drift_alt", points=points)
    return Chart(texts("validation.drift_zeros"), canvas.to_svg(alt, palette), alt)


def _scatter(canvas: Canvas, pairs: Sequence[Pair], places: Sequence[Point]) -> None:
    """Dots, and crosses for false zeros and false positives; of very many dots only some, of crosses each."""
    every = math.ceil(len(pairs) / _MOST_POINTS) or 1
    wrong = [one.ours.has_calcium != one.theirs.has_calcium for one in pairs]
    dots = [place for place, crossed in zip(places, wrong, strict=True) if not crossed]
    canvas.points("points", dots[::every])
    canvas.crosses("wrong", [place for place, crossed in zip(places, wrong, strict=True) if crossed])


def _draw_level(canvas: Canvas, one: Estimate, kind: str, place: _Place, widest: float) -> None:
    if one.low is not None and one.high is not None:
        canvas.box("band", place(0, one.low), place(widest, one.high))
    if one.value is not None:
        canvas.line(kind, place(0, one.value), place(widest, one.value))


def _choose_ticks(most: float) -> list[int]:
    kept: list[int] = []
    for tick in _TICKS:
        if tick <= most and (not kept or math.sqrt(tick / most) - math.sqrt(kept[-1] / most) >= _GAP):
            kept.append(tick)
    return kept


def _choose_steps(most: float) -> list[float]:
    """Round numbers from -most to most, five to ten of them."""
    rough = most / 4
    scale = 10 ** math.floor(math.log10(rough))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= rough)
    count = int(most / step)
    return [round(number * step, 6) for number in range(-count, count + 1)]
