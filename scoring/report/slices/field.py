"""The part of the stored images that every picture of a result shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.result import Lesion

_LEAST_FIELD_MM: Final = 150.0
_MARGIN_MM: Final = 35.0


@dataclass(frozen=True, slots=True)
class Field:
    """The part of the stored image that a square picture shows.

    First row and column, height and width in stored pixels, fractions allowed; `side` in pixels of the picture.
    """

    row: float
    column: float
    height: float
    width: float
    side: int

    @property
    def down(self) -> float:
        """Picture pixels for each stored row."""
        return self.side / self.height

    @property
    def across(self) -> float:
        """Picture pixels for each stored column."""
        return self.side / self.width

    def edges(self, row: int, column: int, length: int = 1) -> tuple[int, int, int, int]:
        """Top, left, bottom and right of a run of stored pixels in the picture; at least one pixel wide and high."""
        top, left = round((row - self.row) * self.down), round((column - self.column) * self.across)
        bottom, right = round((row + 1 - self.row) * self.down), round((column + length - self.column) * self.across)
        return top, left, max(bottom, top + 1), max(right, left + 1)


def common_field(
    lesions: Sequence[Lesion], rows: int, columns: int, spacing_mm: tuple[float, float] | None, side: int
) -> Field:
    """One field for all pictures, so that the heart stays in place: every lesion with a margin, inside the image.

    `rows` and `columns` are those of the image, `spacing_mm` its pixel spacing (down, across), `side` the width of the
    picture in pixels. Without lesions or spacing it is the whole image.
    """
    runs = [run for lesion in lesions for run in lesion.runs]
    down, across = spacing_mm or (1.0, 1.0)
    whole = max(rows * down, columns * across)
    if not runs or spacing_mm is None:
        height, width = whole / down, whole / across
        return Field((rows - height) / 2, (columns - width) / 2, height, width, side)
    top, bottom = min(run[1] for run in runs), max(run[1] for run in runs) + 1
    left, right = min(run[2] for run in runs), max(run[2] + run[3] for run in runs)
    length = max((bottom - top) * down, (right - left) * across) + 2 * _MARGIN_MM
    length = min(max(length, _LEAST_FIELD_MM), whole)
    height, width = length / down, length / across
    row, column = (top + bottom - height) / 2, (left + right - width) / 2
    return Field(_inside(row, height, rows), _inside(column, width, columns), height, width, side)


def _inside(start: float, side: float, length: int) -> float:
    if side >= length:
        return (length - side) / 2
    return min(max(start, 0.0), length - side)
