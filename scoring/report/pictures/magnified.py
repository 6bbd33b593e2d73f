"""The lesions of a slice one by one, large enough to see their pixels, with what was measured on this slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.report.common.colours import SCREEN, artery_colour
from scoring.report.common.plane import Plane
from scoring.report.common.texts import Texts
from scoring.report.pictures.drawing import WIDTH, Drawing
from scoring.report.pictures.lettering import MEDIUM
from scoring.report.slices.field import Field
from scoring.report.slices.outline import Run, shape_of
from scoring.report.slices.slice_picture import Shown, draw_grey, draw_outlines, format_label
from scoring.result import Lesion

MOST: Final = 5
"""The largest number of lesions shown."""

_SIDE: Final = 124
_PITCH: Final = 140
_LEAST_MM: Final = 12.0
_MARGIN_MM: Final = 5.0
_BAR_MM: Final = 5.0
_UNKNOWN_SPACING_MM: Final = 0.5


def draw(
    drawing: Drawing,
    top: float,
    hu: NDArray[np.generic],
    index: int,
    *,
    lesions: Sequence[Lesion],
    plane: Plane,
    texts: Texts,
) -> None:
    """Draw at most `MOST` of the lesions of slice `index`, the largest first, with a bar of 5 mm and two lines below.

    `hu` (rows, columns) is the slice as stored, `top` the upper edge of the strip on the page.
    """
    largest = sorted(lesions, key=lambda lesion: (-lesion.agatston, lesion.id))[:MOST]
    for number, lesion in enumerate(largest):
        left = 16 + number * _PITCH
        field = _frame_runs(_select_runs(lesion, index), plane)
        picture = draw_grey(hu, field)
        shapes = [(one, shape_of(one.runs, index, field)) for one in lesions]
        draw_outlines(picture, [Shown(one, shape) for one, shape in shapes if shape is not None])
        drawing.image.paste(Image.fromarray(picture), (left, round(top)))
        _draw_bar(drawing, left, top, field, plane)
        base = top + _SIDE + 19
        drawing.box((left, base - 11, left + 10, base), artery_colour(lesion.artery), radius=2)
        (name,), size = drawing.lettering.fitted(format_label(lesion, texts), _SIDE - 15, 1, (16, 14, 12), MEDIUM)
        drawing.words((left + 15, base), name, size, colour=SCREEN.strong, weight=MEDIUM)
        drawing.words((left, base + 19), format_measurements(lesion, hu, index, plane, texts), 14, colour=SCREEN.plain)
    if len(lesions) > MOST:
        words = texts("pictures.largest", shown=MOST, lesions=len(lesions))
        drawing.words((WIDTH - 16, top - 16), words, 15, colour=SCREEN.strong, anchor="rs", halo=2)


def format_measurements(lesion: Lesion, hu: NDArray[np.generic], index: int, plane: Plane, texts: Texts) -> str:
    """Area and greatest attenuation of a lesion on one slice: mm² and HU; pixels where their spacing is not known."""
    runs = _select_runs(lesion, index)
    count = sum(run[3] for run in runs)
    peak = max(float(hu[row, column : column + length].max()) for _, row, column, length in runs)
    if plane.spacing_mm is None:
        return texts("pictures.pixels", pixels=count, peak=f"{peak:.0f}")
    area = texts.number(count * plane.spacing_mm[0] * plane.spacing_mm[1])
    return texts("pictures.area", area=area, peak=f"{peak:.0f}")


def _select_runs(lesion: Lesion, index: int) -> list[Run]:
    return [run for run in lesion.runs if run[0] == index]


def _frame_runs(runs: Sequence[Run], plane: Plane) -> Field:
    """A square around the runs."""
    down, across = plane.spacing_mm or (_UNKNOWN_SPACING_MM, _UNKNOWN_SPACING_MM)
    top, bottom = min(run[1] for run in runs), max(run[1] for run in runs) + 1
    left, right = min(run[2] for run in runs), max(run[2] + run[3] for run in runs)
    side = max((bottom - top) * down + _MARGIN_MM, (right - left) * across + _MARGIN_MM, _LEAST_MM)
    height, width_ = side / down, side / across
    return Field((top + bottom - height) / 2, (left + right - width_) / 2, height, width_, _SIDE)


def _draw_bar(drawing: Drawing, left: float, top: float, field: Field, plane: Plane) -> None:
    if plane.spacing_mm is None:
        return
    length = _BAR_MM / plane.spacing_mm[1] * field.across
    y = top + _SIDE - 7
    drawing.line((left + 5, y), (left + 7 + length, y), SCREEN.ground, 5)
    drawing.line((left + 6, y), (left + 6 + length, y), SCREEN.strong, 3)
    drawing.words((left + 12 + length, y + 4), "5 mm", 13, colour=SCREEN.strong, halo=2)
