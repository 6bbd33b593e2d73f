"""The first pages: the whole result, as a rule on one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Final

from PIL import Image

from config.settings import ResultsSettings
from scoring.report.common.request import ReportRequest
from scoring.report.common.words import CATEGORY_WORDS, CONFIRM, headline
from scoring.report.pictures import artery_table, category_scale, change_chart, notes, percentile_chart, style
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.lettering import Face, face_for, fitted, width, wrapped
from scoring.report.pictures.notes import Note
from scoring.report.printed import logo
from scoring.result import Category, Score

_RIGHT: Final = style.WIDTH - style.MARGIN
_GUTTER: Final = 24
_PANEL: Final = (style.INNER - _GUTTER) / 2
_TALL: Final = 250
_LOW: Final = 214


def cover(score: Score, request: ReportRequest, *, pictures: str = "", series_number: str = "") -> list[Image.Image]:
    """Score, category, arteries, percentile, change, notes, method: RGB pages, the notes going on where one is full.

    `pictures` is a sentence on what the pages that follow leave out. Raises ValueError when the series was not scored.
    """
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no picture")
    drawing, top = _sheet(request)
    top = _title(drawing, top, request)
    top = _headline(drawing, top, score, score.agatston.total, score.category)
    category_scale.draw(drawing, top, score.agatston.total, score.category)
    top = artery_table.draw(drawing, top + category_scale.HEIGHT + 2, score) + 14
    told = [*notes.to_be_noted(score, pictures), *notes.small_print(score, request, series_number)]
    top = _context(drawing, top, score, score.agatston.total, told)
    left = notes.fill(drawing, top, told, notes.sizes(told, notes.FOOT - top))
    made = [drawing.image]
    while left:
        drawing.words((_RIGHT, style.HEIGHT - 12), "continued on the next page", 14, colour=style.FAINT, anchor="rs")
        drawing, top = _sheet(request)
        drawing.words((style.MARGIN, top + 28), "Coronary artery calcium, continued", 18, face="Medium")
        left = notes.fill(drawing, top + 44, left, notes.SIZES[0], fresh=True)
        made.append(drawing.image)
    return made


def _sheet(request: ReportRequest) -> tuple[Drawing, float]:
    """A page with the warning on top and what is to be done at the foot; where its room begins."""
    drawing = Drawing()
    words, face = warning(request)
    lines, size = fitted(words, style.INNER, 3, (18, 17, 16, 15, 14, 13), face)
    bottom = 12.0 + len(lines) * (size + 5)
    drawing.box((0, 0, style.WIDTH, bottom), style.PANEL)
    for index, line in enumerate(lines):
        middle = (style.WIDTH / 2, 6 + (size + 5) * (index + 0.5))
        drawing.words(middle, line, size, colour=style.WARNING, anchor="mm", face=face)
    drawing.words((style.MARGIN, style.HEIGHT - 12), CONFIRM, 16, colour=style.WARNING)
    return drawing, bottom


def warning(request: ReportRequest) -> tuple[str, Face]:
    """The site's warning and a type that shows it; where there is none, the usual warning, so that one stands there."""
    face = face_for(request.warning_text, request.fonts)
    return (request.warning_text, face) if face is not None else (ResultsSettings().warning_text, "Medium")


def _title(drawing: Drawing, top: float, request: ReportRequest) -> float:
    """What this is, and whose: logo and institution, at most three lines of it."""
    title = "Coronary artery calcium"
    mark = _logo(request)
    right = float(_RIGHT)
    if mark is not None:
        drawing.image.paste(mark, (round(right - mark.width), round(top + 10)))
        right -= mark.width + 12
    height = 36 if mark is None else mark.height + 16
    if request.institution:
        room = right - style.MARGIN - width(title, 20, "Medium") - 24
        face = face_for(request.institution, request.fonts) or "Regular"
        lines, size = fitted(request.institution, room, 3, (16, 15, 14, 13), face)
        for index, line in enumerate(lines):
            drawing.words((right, top + 24 + index * (size + 5)), line, size, anchor="rs", face=face)
        height = max(height, 18 + len(lines) * (size + 5))
    drawing.words((style.MARGIN, top + 28), title, 20, colour=style.PLAIN, face="Medium")
    return top + height


def _logo(request: ReportRequest) -> Image.Image | None:
    """The site's logo on white, as it was made for, at most 150 by 44 pixels."""
    if request.logo is None:
        return None
    with Image.open(BytesIO(logo.read(request.logo))) as opened:
        picture = opened.convert("RGBA")
    picture.thumbnail((142, 36), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", (picture.width + 8, picture.height + 8), style.STRONG)
    ground.paste(picture, (4, 4), picture)
    return ground


def _headline(drawing: Drawing, top: float, score: Score, total: float, category: Category) -> float:
    """The number as large as there is room for, and what it means beside it."""
    number, unit, base = headline(total), "Agatston score", top + 70
    named = [f"Category {category}", *([f"CAC-DRS {score.cac_drs}"] if score.cac_drs else [])]
    lines = ["   ".join(named), *_interval(score)]
    beside = max(width(line, 18) for line in lines)
    room = style.INNER - beside - width(unit, 20) - 30
    size = next((size for size in (84, 76, 68, 60) if width(number, size, "Medium") <= room), 52)
    drawing.words((style.MARGIN - 4, base), number, size, colour=style.STRONG, face="Medium")
    after = style.MARGIN + width(number, size, "Medium") + 10
    drawing.words((after, base), unit, 20, colour=style.FAINT)
    words = CATEGORY_WORDS[category]
    drawing.words((_RIGHT, base - 38), words, 28, colour=style.CATEGORY_COLOUR[category], anchor="rs", face="Medium")
    for index, line in enumerate(lines):
        drawing.words((_RIGHT, base - 11 + index * 22), line, 18, anchor="rs")
    return base + 16


def _interval(score: Score) -> Iterator[str]:
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        low, high = score.agatston_range
        digits = 0 if round(low) != round(high) else 1
        yield f"interval {low:.{digits}f} to {high:.{digits}f}"


def _context(drawing: Drawing, top: float, score: Score, total: float, told: Sequence[Note]) -> float:
    """Percentile and change side by side, as charts where they are known, else as the reason; then the risk."""
    percentile, change = score.percentile, score.change
    reasons = _reasons(score)
    if percentile is not None or change is not None:
        room = notes.FOOT - top - notes.height(told, notes.SIZES[-1]) - 28
        tall = min(max(room, _LOW), _TALL)
        left = (style.MARGIN, top, style.MARGIN + _PANEL, top + tall)
        right = (left[2] + _GUTTER, top, float(_RIGHT), top + tall)
        if percentile is not None:
            percentile_chart.draw(drawing, left, percentile, total)
        if change is not None:
            change_chart.draw(drawing, left if percentile is None else right, change)
        for index, line in enumerate(part for reason in reasons for part in wrapped(reason, 16, _PANEL)):
            drawing.words((right[0], top + 18 + 22 * index), line, 16, colour=style.PLAIN)
        top += tall + 6
    else:
        for line in (part for reason in reasons for part in wrapped(reason, 16, style.INNER)):
            drawing.words((style.MARGIN, top + 16), line, 16, colour=style.PLAIN)
            top += 22
    risk = "; ".join(_risk(score))
    if risk:
        (line,), size = fitted(risk, style.INNER, 1, (16, 15, 14, 13))
        drawing.words((style.MARGIN, top + 16), line, size, colour=style.PLAIN)
        top += 22
    return top + 4


def _reasons(score: Score) -> list[str]:
    """Why there is no percentile or no comparison, one sentence each."""
    risk = score.risk
    found = []
    if score.percentile is None:
        why = risk.percentile_reason if risk else ""
        found.append(f"Percentile: {why or 'not determined'}")
    if score.change is None:
        why = risk.change_reason if risk else ""
        found.append(f"Change: {why or 'no earlier scan to compare with'}")
    return found


def _risk(score: Score) -> Iterator[str]:
    if score.risk is None:
        return
    if score.risk.arterial_age_years is not None:
        yield f"Arterial age {score.risk.arterial_age_years:.0f} years"
    if score.risk.ten_year_percent is not None:
        without = score.risk.ten_year_without_percent
        beside = "" if without is None else f" ({without:.1f} % without the score)"
        yield f"10-year risk of coronary heart disease (MESA) {score.risk.ten_year_percent:.1f} %{beside}"
