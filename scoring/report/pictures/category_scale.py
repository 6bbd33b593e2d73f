"""The four categories on one scale with the score at its place."""

from __future__ import annotations

import math
from typing import Final

from scoring.report.common.words import headline
from scoring.report.pictures import style
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.style import Colour
from scoring.result import CATEGORIES, Category

HEIGHT: Final = 78

_GAP: Final = 4
_ZERO: Final = 62
_BAR: Final = 30
_BORDERS: Final = (1.0, 100.0, 400.0)
_LEAST_END: Final = 4000.0
_TICKS: Final = (1, 10, 100, 400, 1000, 10_000, 100_000)
_WORDS: Final[dict[Category, str]] = {"0": "none", "1-100": "mild", "101-400": "moderate", ">400": "severe"}


def draw(drawing: Drawing, top: float, total: float, category: Category) -> None:
    """Boxes with their words, ticks on a logarithmic axis from 1 on, a mark that stays in the score's own category."""
    end = max(_LEAST_END, 1.6 * total)
    bar = top + 26
    spans = _spans(end)
    for one in CATEGORIES:
        left, right = spans[one]
        chosen = one == category
        colour = style.CATEGORY_COLOUR[one]
        drawing.box((left, bar, right, bar + _BAR), colour if chosen else _dim(colour), radius=4)
        ink = style.BACKGROUND if chosen else style.PLAIN
        middle = ((left + right) / 2, bar + _BAR / 2)
        drawing.words(middle, _WORDS[one], 17, colour=ink, anchor="mm", face="Medium" if chosen else "Regular")
    drawing.words(((spans["0"][0] + spans["0"][1]) / 2, bar + _BAR + 17), "0", 15, colour=style.FAINT, anchor="ms")
    for tick in (tick for tick in _TICKS if tick < end):
        x = _place(tick, end)
        drawing.line((x, bar + _BAR + 1), (x, bar + _BAR + 5), style.FAINT)
        drawing.words((x, bar + _BAR + 17), f"{tick}", 15, colour=style.FAINT, anchor="ms")
    low, high = spans[category]
    x = (low + high) / 2 if category == "0" else min(max(_place(total, end), low + 8), high - 8)
    with drawing.smooth((x - 12, bar - 12, x + 12, bar + 2)) as fine:
        fine.area([(x - 9, bar - 11), (x + 9, bar - 11), (x, bar)], style.STRONG)
    words = headline(total)
    half = 9 + len(words) * 5
    at = min(max(x, style.MARGIN + half), style.WIDTH - style.MARGIN - half)
    drawing.words((at, bar - 15), words, 17, colour=style.STRONG, anchor="ms", face="Medium")


def _spans(end: float) -> dict[Category, tuple[float, float]]:
    zero = (float(style.MARGIN), float(style.MARGIN + _ZERO))
    edges = [_place(border, end) for border in _BORDERS] + [float(style.WIDTH - style.MARGIN)]
    return {
        "0": zero,
        "1-100": (edges[0], edges[1] - _GAP / 2),
        "101-400": (edges[1] + _GAP / 2, edges[2] - _GAP / 2),
        ">400": (edges[2] + _GAP / 2, edges[3]),
    }


def _place(score: float, end: float) -> float:
    start = style.MARGIN + _ZERO + 3 * _GAP
    part = math.log(max(score, 1.0)) / math.log(end)
    return start + part * (style.WIDTH - style.MARGIN - start)


def _dim(colour: Colour) -> Colour:
    """A third of a colour over the ground."""
    red, green, blue = ((2 * ground + one) // 3 for one, ground in zip(colour, style.BACKGROUND, strict=True))
    return red, green, blue
