"""The two pictures: agreement of measured and true scores, and calibration of the confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from evaluation import agreement, tables
from evaluation.canvas import BLUE, GREEN, GREY, INK, PALE, RED, WHITE, Axis, Canvas, faded
from evaluation.reading import Reading
from evaluation.scan import Scan
from evaluation.table import number
from scoring.result import CATEGORIES

_SCORES: Final = (0, 1, 3, 10, 30, 100, 400, 1000, 3000, 10000)
_BORDERS: Final = (100, 400)
_SIDE: Final = 440
_TOP: Final = 70
_LEFT: Final = 78
_STEP: Final = _SIDE + 110
_BELOW: Final = 80
_DARK: Final = 0.55


def log1p(value: float) -> float:
    """Return log(1 + x) for x >= 0, mirrored for x < 0."""
    return math.copysign(math.log1p(abs(value)), value)


def agreement_picture(scans: Sequence[Scan], readings: Sequence[Reading], path: Path) -> None:
    """Draw three panels: measured against true, differences against means, and the categories."""
    canvas = Canvas(_LEFT + 3 * _STEP - 25, _TOP + _SIDE + _BELOW)
    pairs = [(scan.true_total, scan.measured_total) for scan in scans if scan.measured_level is not None]
    real = [
        (reading.case.total, reading.score.agatston.total)
        for reading in readings
        if reading.case.total is not None and reading.score is not None and reading.score.agatston is not None
    ]
    same = [scan.measured_level == scan.true_level for scan in scans if scan.measured_level is not None]
    _scatter(canvas, _LEFT, pairs, same, real)
    _differences(canvas, _LEFT + _STEP, pairs, same, real)
    _confusion(canvas, _LEFT + 2 * _STEP, tables.confusion(scans))
    canvas.save(path)


def _axes(left: float, x: tuple[float, float], y: tuple[float, float]) -> tuple[Axis, Axis]:
    return Axis(*x, left, left + _SIDE, log1p), Axis(*y, _TOP + _SIDE, _TOP, log1p)


def _frame(canvas: Canvas, x: Axis, y: Axis, ticks: tuple[Sequence[float], Sequence[float]]) -> None:
    for value in ticks[0]:
        canvas.line([(x(value), y.start), (x(value), y.end)], PALE)
        canvas.text((x(value), y.start + 8), f"{value:g}", 13, GREY, anchor="ma")
    for value in ticks[1]:
        canvas.line([(x.start, y(value)), (x.end, y(value))], PALE)
        canvas.text((x.start - 8, y(value)), f"{value:g}", 13, GREY, anchor="rm")
    canvas.box((x.start, y.start), (x.end, y.end), outline=GREY)


def _titles(canvas: Canvas, left: float, title: str, below: str, beside: str) -> None:
    canvas.text((left, _TOP - 34), title, 18, INK, anchor="lm", bold=True)
    canvas.text((left + _SIDE / 2, _TOP + _SIDE + 44), below, 14)
    canvas.text((left - 58, _TOP + _SIDE / 2), beside, 14, upright=True)


def _most(pairs: agreement.Pairs) -> float:
    return 1.35 * max((max(pair) for pair in pairs), default=0.0) + 400


def _scatter(canvas: Canvas, left: float, pairs: agreement.Pairs, same: Sequence[bool], real: agreement.Pairs) -> None:
    most = _most([*pairs, *real])
    x, y = _axes(left, (-0.35, most), (-0.35, most))
    ticks = [value for value in _SCORES if value <= most]
    edges = (-0.35, 0.3, *_BORDERS, most)
    for low, high in pairwise(edges):
        canvas.box((x(low), y(low)), (x(high), y(high)), faded(GREEN, 0.10))
    _frame(canvas, x, y, (ticks, ticks))
    canvas.line([(x.start, y.start), (x.end, y.end)], GREY)
    for (true, measured), right in zip(pairs, same, strict=True):
        canvas.dot((x(true), y(measured)), 4, faded(BLUE if right else RED, 0.55), faded(WHITE, 0.8))
    for true, measured in real:
        canvas.diamond((x(true), y(measured)), 6, (245, 180, 40, 255), INK)
    zeros = sum(pair == (0, 0) for pair in pairs)
    if zeros:
        canvas.text((x(0) + 10, y(0) - 13), f"{zeros} at 0", 12, GREY, anchor="lm")
    _legend(canvas, left, real=bool(real))
    _titles(canvas, left, "Measured against true", "true Agatston score", "measured Agatston score")


def _legend(canvas: Canvas, left: float, *, real: bool) -> None:
    at, y = left + 16, _TOP + 20
    for colour, words in ((BLUE, "same category"), (RED, "another category")):
        canvas.dot((at, y), 5, faded(colour, 0.75))
        canvas.text((at + 12, y), words, 13, anchor="lm")
        y += 20
    if real:
        canvas.diamond((at, y), 6, (245, 180, 40, 255), INK)
        canvas.text((at + 12, y), "real scan", 13, anchor="lm")


def _differences(
    canvas: Canvas, left: float, pairs: agreement.Pairs, same: Sequence[bool], real: agreement.Pairs
) -> None:
    limits = agreement.bland_altman(pairs)
    every = [measured - true for true, measured in [*pairs, *real]]
    furthest = [abs(value) for value in (*every, limits.low, limits.high) if math.isfinite(value)]
    reach = 1.6 * max(furthest, default=0.0) + 3
    x, y = _axes(left, (-0.35, _most([*pairs, *real])), (-reach, reach))
    steps = [value for value in _SCORES if value <= reach]
    _frame(canvas, x, y, ([v for v in _SCORES if v <= x.high], [*(-v for v in steps[:0:-1]), *steps]))
    canvas.line([(x.start, y(0)), (x.end, y(0))], GREY)
    for (true, measured), right in zip(pairs, same, strict=True):
        at = (x((true + measured) / 2), y(measured - true))
        canvas.dot(at, 4, faded(BLUE if right else RED, 0.55), faded(WHITE, 0.8))
    for true, measured in real:
        canvas.diamond((x((true + measured) / 2), y(measured - true)), 6, (245, 180, 40, 255), INK)
    if math.isfinite(limits.low):
        for value, colour in ((limits.low, INK), (limits.bias, GREEN), (limits.high, INK)):
            canvas.dashes((x.start, y(value)), (x.end, y(value)), colour, 1.6)
    bounds = f"limits {number(limits.low, sign=True)} to {number(limits.high, sign=True)}"
    note = f"bias {number(limits.bias, sign=True)}, {bounds}"
    canvas.text((left + _SIDE, _TOP - 16), note, 13, GREY, anchor="rm")
    _titles(canvas, left, "Bland-Altman", "mean of measured and true", "measured - true")


def _confusion(canvas: Canvas, left: float, counts: Sequence[Sequence[int]]) -> None:
    wide, high = _SIDE / (len(CATEGORIES) + 1), _SIDE / len(CATEGORIES)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            corner = left + j * wide, _TOP + i * high
            share = count / sum(row) if sum(row) else 0.0
            base = GREEN if i == j else GREY if j == len(CATEGORIES) else RED
            fill = faded(base, 0.05 + 0.8 * share) if count else WHITE
            canvas.box(corner, (corner[0] + wide, corner[1] + high), fill, PALE)
            middle = corner[0] + wide / 2, corner[1] + high / 2
            ink = WHITE if count and share > _DARK else INK if count else GREY
            canvas.text((middle[0], middle[1] - (8 if count else 0)), f"{count}", 22, ink, bold=bool(count))
            if count:
                canvas.text((middle[0], middle[1] + 16), f"{100 * share:.0f} %", 13, ink)
        canvas.text((left - 8, _TOP + (i + 0.5) * high), CATEGORIES[i], 13, GREY, anchor="rm")
    for j, name in enumerate((*CATEGORIES, "refused")):
        canvas.text((left + (j + 0.5) * wide, _TOP + _SIDE + 8), name, 13, GREY, anchor="ma")
    split = left + len(CATEGORIES) * wide
    canvas.line([(split, _TOP), (split, _TOP + _SIDE)], GREY, 2)
    canvas.box((left, _TOP), (left + _SIDE, _TOP + _SIDE), outline=GREY)
    _titles(canvas, left, "Categories", "measured", "true")


def calibration_picture(judged: Sequence[tuple[float, bool]], path: Path) -> None:
    """Draw the share of true candidates by confidence with its 95 % interval, and the number of candidates."""
    parts = agreement.bins(judged)
    low = 110.0
    canvas = Canvas(_LEFT + _SIDE + 30, _TOP + _SIDE + 30 + round(low) + _BELOW - 10)
    x, y = Axis(0, 1, _LEFT, _LEFT + _SIDE), Axis(0, 1, _TOP + _SIDE, _TOP)
    ticks = [k / 10 for k in range(0, 11, 2)]
    _frame(canvas, x, y, ((), ticks))
    canvas.dashes((x(0), y(0)), (x(1), y(1)), GREY, 1.5)
    shown = [part for part in parts if part.count]
    canvas.line([(x(part.confidence), y(part.share)) for part in shown], faded(BLUE, 0.5), 2)
    for part in shown:
        ends = agreement.wilson(part.true, part.count)
        canvas.line([(x(part.confidence), y(end)) for end in ends], BLUE, 1.6)
        for end in ends:
            canvas.line([(x(part.confidence) - 4, y(end)), (x(part.confidence) + 4, y(end))], BLUE, 1.6)
        canvas.dot((x(part.confidence), y(part.share)), 5.5, BLUE, WHITE)
    base = _TOP + _SIDE + 30 + low
    most = max((part.count for part in parts), default=0) or 1
    bars = Axis(0, most * 1.45, base, base - low)
    for part in parts:
        sides = x(part.low) + 3, x(part.high) - 3
        canvas.box((sides[0], base), (sides[1], bars(part.count)), faded(GREY, 0.35))
        canvas.box((sides[0], base), (sides[1], bars(part.true)), faded(BLUE, 0.75))
        canvas.text((sum(sides) / 2, bars(part.count) - 9), str(part.count), 12, GREY)
    canvas.line([(x(0), base), (x(1), base)], GREY)
    for value in ticks:
        canvas.text((x(value), base + 8), f"{value:g}", 13, GREY, anchor="ma")
    canvas.text((_LEFT, _TOP - 34), "Confidence against truth", 18, INK, anchor="lm", bold=True)
    error = f"calibration error {number(agreement.calibration_error(parts), 3)}"
    canvas.text((_LEFT + _SIDE, _TOP - 16), error, 13, GREY, anchor="rm")
    canvas.text((_LEFT + _SIDE / 2, base + 44), "confidence", 14)
    for left, colour, words in (
        (12, faded(BLUE, 0.75), "coronary calcium"),
        (150, faded(GREY, 0.35), "something else"),
    ):
        canvas.box((x(0) + left, base - low - 2), (x(0) + left + 12, base - low + 10), colour)
        canvas.text((x(0) + left + 18, base - low + 4), words, 13, anchor="lm")
    canvas.text((_LEFT - 58, _TOP + _SIDE / 2), "share that is coronary calcium", 14, upright=True)
    canvas.text((_LEFT - 58, base - low / 2), "candidates", 14, upright=True)
    canvas.save(path)
