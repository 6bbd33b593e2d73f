"""The first picture: the whole result on one page."""

from __future__ import annotations

from typing import Final, get_args

from PIL import Image, ImageDraw

from scoring.report import style
from scoring.report.request import ReportRequest
from scoring.report.style import font
from scoring.report.text import (
    ARTERY_NAMES,
    CATEGORY_WORDS,
    CONFIRM,
    NO_ARTERY,
    headline,
    lesion_count,
    method,
    technique,
    without_artery,
)
from scoring.result import ARTERIES, Artery, ArteryValues, Category, Score

_MARGIN: Final = 36
_INNER: Final = style.WIDTH - 2 * _MARGIN
_COLUMNS: Final = (("Lesions", 380), ("Agatston", 480), ("Volume mm3", 590), ("Mass mg", style.WIDTH - _MARGIN))
_MOST_FLAG_LINES: Final = 7
_FOOT: Final = 168


def cover(score: Score, request: ReportRequest) -> Image.Image:
    """Score, category, values of each artery, flags and method; RGB, the size of every page.

    Raises ValueError when the series was not scored.
    """
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no picture")
    page = Image.new("RGB", (style.WIDTH, style.HEIGHT), style.BACKGROUND)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, style.WIDTH, 34), fill=style.PANEL)
    warning = style.shortened(draw, request.warning_text, 17, _INNER)
    draw.text((style.WIDTH / 2, 17), warning, style.WARNING, font(17), anchor="mm")
    _headline(draw, score, score.agatston.total, score.category, request)
    _scale(draw, 172, score.category)
    bottom = _table(draw, 240, score, score.agatston)
    _flags(draw, bottom + 16, score)
    _foot(draw, score)
    return page


def _headline(
    draw: ImageDraw.ImageDraw, score: Score, total: float, category: Category, request: ReportRequest
) -> None:
    draw.text((_MARGIN, 70), "Coronary artery calcium", style.FAINT, font(18), anchor="ls")
    made = f"{score.provenance.software} {score.provenance.version}, {request.created:%Y-%m-%d %H:%M}"
    words = f"{made}, result {request.version}"
    draw.text((style.WIDTH - _MARGIN, 70), words, style.FAINT, font(14), anchor="rs")
    number = headline(total)
    draw.text((_MARGIN - 3, 146), number, style.STRONG, font(72), anchor="ls")
    beside = _MARGIN + draw.textlength(number, font(72)) + 16
    draw.text((beside, 146), "Agatston score", style.FAINT, font(20), anchor="ls")
    right = style.WIDTH - _MARGIN
    draw.text((right, 116), CATEGORY_WORDS[category], style.CATEGORY_COLOUR[category], font(24), anchor="rs")
    details = []
    if score.cac_drs:
        details.append(f"CAC-DRS {score.cac_drs}")
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        details.append(f"interval {score.agatston_range[0]:.0f} to {score.agatston_range[1]:.0f}")
    draw.text((right, 146), "   ".join(details), style.PLAIN, font(17), anchor="rs")


def _scale(draw: ImageDraw.ImageDraw, top: int, category: Category) -> None:
    """The four categories side by side, the one that applies filled."""
    categories: tuple[Category, ...] = get_args(Category)
    gap, height = 8, 40
    width = (_INNER - gap * (len(categories) - 1)) / len(categories)
    for index, one in enumerate(categories):
        left = _MARGIN + index * (width + gap)
        box = (left, top, left + width, top + height)
        colour = style.CATEGORY_COLOUR[one]
        chosen = one == category
        draw.rounded_rectangle(box, 5, fill=colour if chosen else style.PANEL, outline=colour, width=1)
        ink = style.BACKGROUND if chosen else style.FAINT
        draw.text((left + width / 2, top + height / 2), one, ink, font(20 if chosen else 17), anchor="mm")


def _table(draw: ImageDraw.ImageDraw, top: int, score: Score, agatston: ArteryValues) -> int:
    row = 32
    for title, right in _COLUMNS:
        draw.text((right, top + 10), title, style.FAINT, font(15), anchor="rm")
    top += 26
    for artery in (*ARTERIES, None):
        middle = top + row / 2
        draw.line((_MARGIN, top, style.WIDTH - _MARGIN, top), fill=style.LINE)
        ink = style.STRONG if artery is None else style.PLAIN
        name = "All coronary arteries"
        if artery is not None:
            draw.rectangle((_MARGIN, middle - 6, _MARGIN + 11, middle + 5), fill=style.artery_colour(artery))
            draw.text((_MARGIN + 24, middle), artery, ink, font(18), anchor="lm")
            name = ARTERY_NAMES[artery]
        draw.text((_MARGIN + (72 if artery else 0), middle), name, ink, font(18), anchor="lm")
        for value, (_, right) in zip(_row(score, agatston, artery), _COLUMNS, strict=True):
            draw.text((right, middle), value, ink, font(18), anchor="rm")
        top += row
    if any(lesion.artery is None for lesion in score.lesions):
        words = f"of this in lesions with {NO_ARTERY}: {without_artery(score):.1f}"
        draw.text((_COLUMNS[1][1], top + 12), words, style.FAINT, font(15), anchor="rm")
        top += 24
    return top


def _row(score: Score, agatston: ArteryValues, artery: Artery | None) -> tuple[str, ...]:
    def of(values: ArteryValues | None) -> str:
        if values is None:
            return "-"
        return f"{values.total if artery is None else values.of(artery):.1f}"

    return str(lesion_count(score, artery)), of(agatston), of(score.volume_mm3), of(score.mass_mg)


def _flags(draw: ImageDraw.ImageDraw, top: int, score: Score) -> None:
    if not score.flags:
        return
    draw.text((_MARGIN, top), "To be noted", style.FAINT, font(15))
    lines: list[tuple[str, bool]] = []
    for flag in score.flags:
        parts = style.wrapped(draw, flag.message, 16, _INNER - 22)
        lines += [(part, index == 0) for index, part in enumerate(parts)]
    if len(lines) > _MOST_FLAG_LINES:
        lines = [*lines[: _MOST_FLAG_LINES - 1], ("and more: see the structured report", True)]
    for index, (line, first) in enumerate(lines):
        y = top + 24 + 21 * index
        if first:
            draw.rectangle((_MARGIN + 3, y + 6, _MARGIN + 9, y + 12), fill=style.WARNING)
        draw.text((_MARGIN + 22, y), line, style.PLAIN, font(16))


def _foot(draw: ImageDraw.ImageDraw, score: Score) -> None:
    top = style.HEIGHT - _FOOT
    draw.line((_MARGIN, top, style.WIDTH - _MARGIN, top), fill=style.LINE)
    lines = [
        line
        for part in (technique(score.series), "; ".join(method(score)))
        for line in style.wrapped(draw, part, 14, _INNER)
    ]
    for index, line in enumerate(lines[:6]):
        draw.text((_MARGIN, top + 12 + 19 * index), line, style.FAINT, font(14))
    draw.text((_MARGIN, style.HEIGHT - 18), CONFIRM, style.WARNING, font(16), anchor="ls")
