"""What stands in words below the tables and charts: notes, then the small print, over as many pages as they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scoring.report.common.context import ARTERIAL_AGE_SOURCE, TEN_YEAR_SOURCE
from scoring.report.common.request import ReportRequest
from scoring.report.common.words import method, technique
from scoring.report.pictures import change_chart, style
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.lettering import wrapped
from scoring.report.pictures.style import Colour
from scoring.result import Score

FOOT: Final = style.HEIGHT - 34
"""Where words end on every page."""

Sizes = tuple[int, int]
"""Of notes and of the small print, in pixels."""

# from what fits a page with little on it
SIZES: Final[tuple[Sizes, ...]] = ((18, 15), (17, 14), (16, 14), (16, 13), (15, 13), (14, 13), (14, 12))


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph of the lower part; `bullet` is the colour of the mark before it."""

    text: str
    bullet: Colour | None = None
    small: bool = False


def to_be_noted(score: Score, pictures: str) -> Iterator[Note]:
    """What is to be noted, warnings first."""
    if score.change is not None and score.change.differences:
        yield Note(f"Not alike in the two scans: {'; '.join(score.change.differences)}", style.WARNING)
    for flag in sorted(score.flags, key=lambda flag: flag.severity == "info"):
        text = f"{flag.message[:1].upper()}{flag.message[1:]}"
        yield Note(text, style.FAINT if flag.severity == "info" else style.WARNING)
    if not score.flags:
        yield Note("Nothing was noted about the images", style.FAINT)
    if pictures:
        yield Note(pictures, style.FAINT)


def small_print(score: Score, request: ReportRequest, series_number: str) -> Iterator[Note]:
    """What belongs to the numbers: remarks, technique, method, sources."""
    sources: list[str] = []
    if score.change is not None:
        told = [*change_chart.remarks(score.change), *score.change.notes]
        if told:
            yield Note(f"Change: {_joined(told)}", small=True)
        sources += score.change.citations
    if score.percentile is not None:
        if score.percentile.caveats:
            yield Note(f"Percentile: {_joined(score.percentile.caveats)}", small=True)
        sources.append(score.percentile.citation)
    if score.risk is not None and score.risk.arterial_age_years is not None:
        sources.append(f"{ARTERIAL_AGE_SOURCE} (arterial age)")
    if score.risk is not None and score.risk.ten_year_percent is not None:
        sources.append(f"{TEN_YEAR_SOURCE} (10 years)")
    series = f"Series {series_number}: " if series_number else ""
    yield Note(f"{series}{technique(score.series)}", small=True)
    made = f"{score.provenance.software} {score.provenance.version}, result {request.version}"
    yield Note(f"{'; '.join(method(score))}; {made}", small=True)
    if sources:
        yield Note(f"Sources: {'; '.join(dict.fromkeys(sources))}", small=True)


def _joined(parts: Iterable[str]) -> str:
    return ". ".join(f"{part[:1].upper()}{part[1:].rstrip('.')}" for part in parts)


def _lines(note: Note, sizes: Sizes) -> tuple[list[str], int, float]:
    """Lines of a note, their size, and its height with the space after it."""
    size = sizes[note.small]
    lines = wrapped(note.text, size, style.INNER - (18 if note.bullet else 0))
    return lines, size, len(lines) * (size + 4) + (2 if note.small else 4)


def sizes(notes: Sequence[Note], room: float) -> Sizes:
    """The largest sizes at which all notes fit `room` pixels, else the smallest."""
    return next((one for one in SIZES if height(notes, one) <= room), SIZES[-1])


def height(notes: Sequence[Note], sizes: Sizes) -> float:
    """Pixels that all notes take."""
    return sum(_lines(note, sizes)[2] for note in notes) + 12


def fill(drawing: Drawing, top: float, notes: Sequence[Note], sizes: Sizes, *, fresh: bool = False) -> list[Note]:
    """Draw whole notes as long as there is room, on a `fresh` page also a part of one; returns the others.

    Where all have room, the small print stands at the foot of the page.
    """
    drawing.line((style.MARGIN, top + 4), (style.WIDTH - style.MARGIN, top + 4))
    spare = max(FOOT - top - height(notes, sizes), 0)
    top += 10
    for index, note in enumerate(notes):
        lines, size, tall = _lines(note, sizes)
        if note.small:
            top, spare = top + spare, 0
        room = int((FOOT - top) // (size + 4))
        if len(lines) > room and (index or not fresh):
            return list(notes[index:])
        left = style.MARGIN
        if note.bullet is not None:
            drawing.box((left, top + size / 2 - 2, left + 7, top + size / 2 + 5), note.bullet, radius=1)
            left += 18
        ink = style.FAINT if note.small else style.PLAIN
        for number, line in enumerate(lines[:room]):
            drawing.words((left, top + size + number * (size + 4)), line, size, colour=ink)
        if lines[room:]:
            return [replace(note, text=" ".join(lines[room:])), *notes[index + 1 :]]
        top += tall
    return []
