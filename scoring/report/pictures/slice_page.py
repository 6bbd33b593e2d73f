"""The page of one slice: exactly the pixels that were counted, outlined, named, measured and magnified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.report.common.colours import SCREEN, artery_colour
from scoring.report.common.plane import Plane
from scoring.report.common.texts import Texts
from scoring.report.pictures import labels, magnified
from scoring.report.pictures.drawing import WIDTH, Drawing
from scoring.report.pictures.lettering import MEDIUM, Lettering
from scoring.report.slices.field import Field
from scoring.report.slices.outline import Box, shape_of
from scoring.report.slices.slice_picture import (
    WINDOW_CENTRE_HU,
    WINDOW_WIDTH_HU,
    Shown,
    draw_grey,
    draw_outlines,
    format_label,
)
from scoring.result import ImageRef, Lesion

HEADER: Final = 64
SIDE: Final = WIDTH

_LABEL: Final = 17


@dataclass(frozen=True, slots=True)
class Captions:
    """Content common to the pages of a result: the result and the warning, worded by `texts`; number of slices."""

    result: str
    warning: str
    slices: int
    texts: Texts
    lettering: Lettering


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
    picture = draw_grey(hu, field)
    shapes = [(lesion, shape_of(lesion.runs, image.slice, field)) for lesion in lesions]
    shown = [Shown(lesion, shape) for lesion, shape in shapes if shape is not None]
    drawing = Drawing(captions.lettering)
    drawing.image.paste(Image.fromarray(picture), (0, HEADER))
    used = [*_draw_edges(drawing, plane), *_draw_scale_bar(drawing, plane, field)]
    names = [format_label(one.lesion, captions.texts) for one in shown]
    places = _places(shown, names, used, captions.lettering)
    for one, place in zip(shown, places, strict=True):
        if place is not None:
            _draw_leader(drawing, one, place)
    # after the thin lines, so that these run below, and what was counted is as it was
    lined = np.array(drawing.image.crop((0, HEADER, SIDE, HEADER + SIDE)))
    draw_outlines(lined, shown, picture)
    drawing.image.paste(Image.fromarray(lined), (0, HEADER))
    for one, name, place in zip(shown, names, places, strict=True):
        if place is not None:
            _label(drawing, one, name, place)
    _draw_header(drawing, image, plane, captions, dashes=any(one.uncertain for one in shown))
    magnified.draw(drawing, HEADER + SIDE + 8, hu, image.slice, lesions=lesions, plane=plane, texts=captions.texts)
    return drawing.image


def _on_page(one: Shown) -> Box:
    left, top, right, bottom = one.shape.box
    return left, top + HEADER, right, bottom + HEADER


def _places(
    shown: Sequence[Shown], names: Sequence[str], used: Sequence[Box], lettering: Lettering
) -> list[Box | None]:
    widths = [lettering.width(name, _LABEL, MEDIUM) + 12 for name in names]
    things = [(_on_page(one), width, _LABEL + 8.0) for one, width in zip(shown, widths, strict=True)]
    return labels.place_labels(things, used, (4, HEADER + 4, SIDE - 4, HEADER + SIDE - 4))


def _draw_leader(drawing: Drawing, one: Shown, place: Box) -> None:
    """A thin line from the words to the nearest point of the lesion."""
    row, column = one.shape.nearest((place[1] + place[3]) / 2 - HEADER, (place[0] + place[2]) / 2)
    start = (column, row + HEADER)
    end = (min(max(start[0], place[0]), place[2]), min(max(start[1], place[1]), place[3]))
    drawing.line(start, end, artery_colour(one.lesion.artery))


def _label(drawing: Drawing, one: Shown, name: str, place: Box) -> None:
    drawing.box(place, SCREEN.ground, outline=artery_colour(one.lesion.artery), radius=4)
    middle = ((place[0] + place[2]) / 2, (place[1] + place[3]) / 2)
    drawing.words(middle, name, _LABEL, colour=SCREEN.strong, anchor="mm", weight=MEDIUM)


def _draw_edges(drawing: Drawing, plane: Plane) -> list[Box]:
    """Letters of the patient's sides in the middle of the edges; returns their boxes."""
    middle = HEADER + SIDE / 2
    spots = ((16.0, middle), (SIDE - 16.0, middle), (SIDE / 2, HEADER + 18.0), (SIDE / 2, HEADER + SIDE - 18.0))
    used: list[Box] = []
    for letter, (x, y) in zip(plane.edges(), spots, strict=True):
        drawing.words((x, y), letter, 22, colour=SCREEN.strong, anchor="mm", weight=MEDIUM, halo=2)
        used.append((x - 12, y - 14, x + 12, y + 14))
    return used


def _draw_scale_bar(drawing: Drawing, plane: Plane, field: Field) -> list[Box]:
    if plane.spacing_mm is None:
        return []
    length = 20 / plane.spacing_mm[1] * field.across
    left, y = 20.0, HEADER + SIDE - 22.0
    drawing.line((left - 1, y), (left + length + 1, y), SCREEN.ground, 5)
    for x in (left, left + length):
        drawing.line((x, y - 5), (x, y + 5), SCREEN.strong, 2)
    drawing.line((left, y), (left + length, y), SCREEN.strong, 2)
    drawing.words((left + length / 2, y - 8), "2 cm", 16, colour=SCREEN.strong, anchor="ms", halo=2)
    return [(left, y - 28, left + length, y + 6)]


def _draw_header(drawing: Drawing, image: ImageRef, plane: Plane, captions: Captions, *, dashes: bool) -> None:
    """Two lines: the image and the result; the warning, and what labels and lines mean."""
    texts, lettering = captions.texts, drawing.lettering
    place = ", ".join(_format_position(image, plane, captions))
    right = WIDTH - 16
    drawing.words((right, 27), captions.result, 18, colour=SCREEN.strong, anchor="rs", weight=MEDIUM)
    room = right - 16 - lettering.width(captions.result, 18, MEDIUM) - 16
    (line,), size = lettering.fitted(f"{place[0].upper()}{place[1:]}", room, 1, (18, 17, 16, 15, 14))
    drawing.words((16, 27), line, size, colour=SCREEN.strong)
    key = "pictures.labels_uncertain" if dashes else "pictures.labels"
    note = texts(key, centre=WINDOW_CENTRE_HU, width=WINDOW_WIDTH_HU)
    drawing.words((right, 52), note, 14, colour=SCREEN.faint, anchor="rs")
    room = right - 32 - lettering.width(note, 14)
    on_one_line = lettering.width(captions.warning, 13, MEDIUM) <= room
    most, choices = (1, (15, 14, 13)) if on_one_line else (2, (15, 14, 13, 12, 11))
    warning, size = lettering.fitted(captions.warning, room, most, choices, MEDIUM)
    top = 52 if len(warning) == 1 else 46
    for number, part in enumerate(warning):
        drawing.words((16, top + number * (size + 1)), part, size, colour=SCREEN.alarm, weight=MEDIUM)


def _format_position(image: ImageRef, plane: Plane, captions: Captions) -> Iterator[str]:
    """Number of the image, frame, number of the slice and table position, as far as they are known."""
    texts = captions.texts
    if plane.instance_number:
        yield texts("pictures.image", number=plane.instance_number)
    if image.frame is not None:
        yield texts("pictures.frame", frame=image.frame)
    yield texts("pictures.slice", slice=image.slice + 1, slices=captions.slices)
    if plane.position_mm is not None:
        yield texts("pictures.position", position=texts.number(plane.position_mm[2]))
