"""Lesions, Agatston, volume and mass of each artery and of all, and what is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.judgement.totals import POSSIBLE, SURE
from scoring.report.common.words import ARTERY_NAMES, NO_ARTERY, lesion_count, without_artery
from scoring.report.pictures import style
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.lettering import Face
from scoring.report.pictures.style import Colour
from scoring.result import ARTERIES, Artery, ArteryValues, Lesion, RejectedCandidate, Score

_ROW: Final = 26
_SMALL_ROW: Final = 21
_COLUMNS: Final = (("Lesions", 410), ("Agatston", 505), ("Volume mm³", 605), ("Mass mg", style.WIDTH - style.MARGIN))


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    values: tuple[str, ...]
    code: str = ""
    swatch: Colour | None = None
    strong: bool = False
    small: bool = False


def draw(drawing: Drawing, top: float, score: Score) -> float:
    """The table; returns where it ends."""
    for title, right in _COLUMNS:
        drawing.words((right, top + 16), title, 15, colour=style.FAINT, anchor="rs")
    top += 22
    for line in lines(score):
        row = _SMALL_ROW if line.small else _ROW
        size = 15 if line.small else 18
        base = top + row / 2 + size * 0.36
        ink = style.STRONG if line.strong else style.FAINT if line.small else style.PLAIN
        face: Face = "Medium" if line.strong else "Regular"
        if not line.small:
            drawing.line((style.MARGIN, top), (style.WIDTH - style.MARGIN, top))
        if line.swatch is not None:
            drawing.box((style.MARGIN, base - 12, style.MARGIN + 12, base), line.swatch, radius=2)
        if line.code:
            drawing.words((style.MARGIN + 24, base), line.code, size, colour=ink, face="Medium")
        left = style.MARGIN + (76 if line.code else 24 if line.swatch or line.small else 0)
        drawing.words((left, base), line.name, size, colour=ink, face=face)
        for value, (_, right) in zip(line.values, _COLUMNS, strict=True):
            drawing.words((right, base), value, size, colour=ink, anchor="rs", face=face)
        top += row
    return top


def lines(score: Score) -> list[_Line]:
    """Rows of the table: each artery, all, then what of it is uncertain and what was left out though possible."""
    found = [
        _Line(ARTERY_NAMES[artery], _values(score, artery), artery, style.artery_colour(artery)) for artery in ARTERIES
    ]
    unnamed = [lesion for lesion in score.lesions if lesion.artery is None]
    if unnamed:
        values = (str(len(unnamed)), _number(without_artery(score)), *_sums(unnamed))
        found.append(_Line(NO_ARTERY.capitalize(), values, swatch=style.NO_ARTERY_COLOUR))
    found.append(_Line("All coronary arteries", _values(score, None), strong=True))
    doubtful = [lesion for lesion in score.lesions if lesion.confidence < SURE]
    if doubtful:
        agatston = sum(lesion.agatston for lesion in doubtful)
        values = (str(len(doubtful)), _number(agatston), *_sums(doubtful))
        found.append(_Line("of these uncertain, outlined with dashes", values, small=True))
    left_out = possible(score)
    if left_out:
        more = "+" if len(left_out) == len(score.rejected) and score.rejected_left_out else ""
        agatston = sum(item.agatston for item in left_out)
        volume = sum(item.volume_mm3 for item in left_out)
        values = (f"{len(left_out)}{more}", f"{agatston:.1f}{more}", f"{volume:.1f}{more}", "-")
        found.append(_Line("Not counted, though possible", values, small=True))
    return found


def possible(score: Score) -> list[RejectedCandidate]:
    """Candidates that were not counted although they may be coronary calcium."""
    return [item for item in score.rejected if item.confidence >= POSSIBLE]


def _values(score: Score, artery: Artery | None) -> tuple[str, ...]:
    def of(values: ArteryValues | None) -> str:
        if values is None:
            return "-"
        return _number(values.total if artery is None else values.of(artery))

    return str(lesion_count(score, artery)), of(score.agatston), of(score.volume_mm3), of(score.mass_mg)


def _sums(lesions: Sequence[Lesion]) -> tuple[str, str]:
    masses = [lesion.mass_mg for lesion in lesions if lesion.mass_mg is not None]
    mass = _number(sum(masses)) if len(masses) == len(lesions) else "-"
    return _number(sum(lesion.volume_mm3 for lesion in lesions)), mass


def _number(value: float) -> str:
    return f"{value:.1f}"
