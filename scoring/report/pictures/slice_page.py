"""The page of one slice: exactly the pixels that were counted, outlined, named, measured and magnified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.report.common.plane import Plane
from scoring.report.pictures import labels, magnified, style
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.lettering import Face, fitted, width
from scoring.report.pictures.outline import Field, shape_of
from scoring.report.pictures.slice_picture import WINDOW_CENTRE_HU, WINDOW_WIDTH_HU, Shown, grey, label, outlined
from scoring.report.pictures.style import Box
from scoring.result import ImageRef, Lesion

HEADER: Final = 64
SIDE: Final = style.WIDTH

_LEAST_FIELD_MM: Final = 150.0
_MARGIN_MM: Final = 35.0
_LABEL: Final = 17


@dataclass(frozen=True, slots=True)
class Captions:
    """Words of the strip above the slice."""

    result: str
    warning: str
    warning_face: Face
    slices: int


def common_field(lesions: Sequence[Lesion], rows: int, columns: int, spacing_mm: tuple[float, float] | None) -> Field:
    """One field for all pages, so that the heart stays in place: every lesion with a margin, inside the image."""
    runs = [run for lesion in lesions for run in lesion.runs]
    down, across = spacing_mm or (1.0, 1.0)
    whole = max(rows * down, columns * across)
    if not runs or spacing_mm is None:
        height, width_ = whole / down, whole / across
        return Field((rows - height) / 2, (columns - width_) / 2, height, width_, SIDE)
    top, bottom = min(run[1] for run in runs), max(run[1] for run in runs) + 1
    left, right = min(run[2] for run in runs), max(run[2] + run[3] for run in runs)
    side = max((bottom - top) * down, (right - left) * across) + 2 * _MARGIN_MM
    side = min(max(side, _LEAST_FIELD_MM), whole)
    height, width_ = side / down, side / across
    row, column = (top + bottom - height) / 2, (left + right - width_) / 2
    return Field(_inside(row, height, rows), _inside(column, width_, columns), height, width_, SIDE)


def slice_page(
    hu: NDArray[np.generic],
    image: ImageRef,
    *,
    lesions: Sequence[Lesion],
    plane: Plane,
    field: Field,
    captions: Captions,
) -> Image.Image:
    """RGB page: `hu` (rows, columns) in HU as stored, `lesions` of it outlined and named, edges, scale, position."""
    picture = grey(hu, field)
    shapes = [(lesion, shape_of(lesion.runs, image.slice, field)) for lesion in lesions]
    shown = [Shown(lesion, shape) for lesion, shape in shapes if shape is not None]
    drawing = Drawing()
    drawing.image.paste(Image.fromarray(picture), (0, HEADER))
    used = [*_edges(drawing, plane), *_scale_bar(drawing, plane, field)]
    places = _places(shown, used)
    for one, place in zip(shown, places, strict=True):
        if place is not None:
            _leader(drawing, one, place)
    # after the thin lines, so that these run below, and what was counted is as it was
    lined = np.array(drawing.image.crop((0, HEADER, SIDE, HEADER + SIDE)))
    outlined(lined, shown, picture)
    drawing.image.paste(Image.fromarray(lined), (0, HEADER))
    for one, place in zip(shown, places, strict=True):
        if place is not None:
            _label(drawing, one, place)
    _header(drawing, image, plane, captions, dashes=any(one.uncertain for one in shown))
    magnified.draw(drawing, HEADER + SIDE + 8, hu, image.slice, lesions, plane)
    return drawing.image


def _inside(start: float, side: float, length: int) -> float:
    if side >= length:
        return (length - side) / 2
    return min(max(start, 0.0), length - side)


def _on_page(one: Shown) -> Box:
    left, top, right, bottom = one.shape.box
    return left, top + HEADER, right, bottom + HEADER


def _places(shown: Sequence[Shown], used: Sequence[Box]) -> list[Box | None]:
    things = [(_on_page(one), width(label(one.lesion), _LABEL, "Medium") + 12, _LABEL + 8.0) for one in shown]
    return labels.places(things, used, (4, HEADER + 4, SIDE - 4, HEADER + SIDE - 4))


def _leader(drawing: Drawing, one: Shown, place: Box) -> None:
    """A thin line from the words to the nearest point of the lesion."""
    row, column = one.shape.nearest((place[1] + place[3]) / 2 - HEADER, (place[0] + place[2]) / 2)
    start = (column, row + HEADER)
    end = (min(max(start[0], place[0]), place[2]), min(max(start[1], place[1]), place[3]))
    drawing.line(start, end, style.artery_colour(one.lesion.artery))


def _label(drawing: Drawing, one: Shown, place: Box) -> None:
    drawing.box(place, style.BACKGROUND, outline=style.artery_colour(one.lesion.artery), radius=4)
    middle = ((place[0] + place[2]) / 2, (place[1] + place[3]) / 2)
    drawing.words(middle, label(one.lesion), _LABEL, colour=style.STRONG, anchor="mm", face="Medium")


def _edges(drawing: Drawing, plane: Plane) -> list[Box]:
    """Letters of the patient's sides in the middle of the edges; returns their boxes."""
    middle = HEADER + SIDE / 2
    spots = ((16.0, middle), (SIDE - 16.0, middle), (SIDE / 2, HEADER + 18.0), (SIDE / 2, HEADER + SIDE - 18.0))
    used: list[Box] = []
    for letter, (x, y) in zip(plane.edges(), spots, strict=True):
        drawing.words((x, y), letter, 22, colour=style.STRONG, anchor="mm", face="Medium", halo=2)
        used.append((x - 12, y - 14, x + 12, y + 14))
    return used


def _scale_bar(drawing: Drawing, plane: Plane, field: Field) -> list[Box]:
    if plane.spacing_mm is None:
        return []
    length = 20 / plane.spacing_mm[1] * field.across
    left, y = 20.0, HEADER + SIDE - 22.0
    drawing.line((left - 1, y), (left + length + 1, y), style.BACKGROUND, 5)
    for x in (left, left + length):
        drawing.line((x, y - 5), (x, y + 5), style.STRONG, 2)
    drawing.line((left, y), (left + length, y), style.STRONG, 2)
    drawing.words((left + length / 2, y - 8), "2 cm", 16, colour=style.STRONG, anchor="ms", halo=2)
    return [(left, y - 28, left + length, y + 6)]


def _header(drawing: Drawing, image: ImageRef, plane: Plane, captions: Captions, *, dashes: bool) -> None:
    words = [f"Image {plane.instance_number}"] if plane.instance_number else []
    if image.frame is not None:
        words.append(f"frame {image.frame}")
    words.append(f"slice {image.slice + 1} of {captions.slices}")
    if plane.position_mm is not None:
        words.append(f"z {plane.position_mm[2]:.1f} mm")
    line = ", ".join(words)
    right = style.WIDTH - 16
    drawing.words((right, 27), captions.result, 18, colour=style.STRONG, anchor="rs", face="Medium")
    room = right - 16 - width(captions.result, 18, "Medium") - 16
    (line,), size = fitted(f"{line[0].upper()}{line[1:]}", room, 1, (18, 17, 16, 15, 14))
    drawing.words((16, 27), line, size, colour=style.STRONG)
    uncertain = ", dashes: uncertain" if dashes else ""
    note = f"labels: score of the whole lesion{uncertain}; C {WINDOW_CENTRE_HU} W {WINDOW_WIDTH_HU}"
    drawing.words((right, 52), note, 14, colour=style.FAINT, anchor="rs")
    face = captions.warning_face
    warning, size = fitted(captions.warning, right - 32 - width(note, 14), 2, (15, 14, 13, 12, 11), face)
    top = 52 if len(warning) == 1 else 46
    for number, part in enumerate(warning):
        drawing.words((16, top + number * (size + 1)), part, size, colour=style.WARNING, face=face)
