"""A picture of one slice: exactly the pixels that were counted, outlined in the colour of their artery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from scoring.report import style
from scoring.report.plane import Plane
from scoring.report.style import font
from scoring.report.text import NO_ARTERY
from scoring.result import ImageRef, Lesion

Box = tuple[float, float, float, float]

_WINDOW_CENTRE_HU: Final = 90.0
_WINDOW_WIDTH_HU: Final = 750.0
_LEAST_FIELD_MM: Final = 150.0
_MARGIN_MM: Final = 35.0
_LABEL: Final = 17


@dataclass(frozen=True, slots=True)
class Field:
    """The square part of the stored image that is shown: first row, first column, side, in pixels."""

    row: float
    column: float
    side: float

    @property
    def scale(self) -> float:
        """Picture pixels for each stored pixel."""
        return style.WIDTH / self.side


def common_field(lesions: Sequence[Lesion], rows: int, columns: int, spacing_mm: float) -> Field:
    """One field for all pages, so that the heart stays in place: every lesion with a margin, inside the image."""
    runs = [run for lesion in lesions for run in lesion.runs]
    if not runs or spacing_mm <= 0:
        side = float(max(rows, columns))
        return Field((rows - side) / 2, (columns - side) / 2, side)
    top, bottom = min(run[1] for run in runs), max(run[1] for run in runs) + 1
    left, right = min(run[2] for run in runs), max(run[2] + run[3] for run in runs)
    side = max(bottom - top, right - left) + 2 * _MARGIN_MM / spacing_mm
    side = min(max(side, _LEAST_FIELD_MM / spacing_mm), float(max(rows, columns)))
    return Field(
        _inside((top + bottom - side) / 2, side, rows), _inside((left + right - side) / 2, side, columns), side
    )


def slice_page(
    hu: NDArray[np.generic],
    image: ImageRef,
    *,
    lesions: Sequence[Lesion],
    plane: Plane,
    field: Field,
    captions: Captions,
) -> Image.Image:
    """RGB page: `hu` (rows, columns) in HU as stored, its lesions outlined and named, edges, scale, position."""
    picture = _windowed(hu, field)
    shapes = [(lesion, _shape(lesion, image.slice, field)) for lesion in lesions]
    pixels = np.array(picture)
    for lesion, shape in shapes:
        pixels[_outline(shape)] = style.artery_colour(lesion.artery)
    page = Image.new("RGB", (style.WIDTH, style.HEIGHT), style.BACKGROUND)
    page.paste(Image.fromarray(pixels), (0, style.HEADER))
    draw = ImageDraw.Draw(page)
    used = [*_edges(draw, plane), *_scale_bar(draw, plane, field)]
    _labels(draw, [(lesion, _bounds(shape)) for lesion, shape in shapes], used)
    _header(draw, image, plane, captions)
    return page


@dataclass(frozen=True, slots=True)
class Captions:
    """Words of the strip above the slice."""

    result: str
    warning: str
    slices: int


def _inside(start: float, side: float, length: int) -> float:
    if side >= length:
        return (length - side) / 2
    return min(max(start, 0.0), length - side)


def _windowed(hu: NDArray[np.generic], field: Field) -> Image.Image:
    low = _WINDOW_CENTRE_HU - _WINDOW_WIDTH_HU / 2
    grey = np.clip((hu.astype(np.float32) - low) * (255 / _WINDOW_WIDTH_HU), 0, 255).astype(np.uint8)
    # transform, not crop: a field wider than a non-square image is filled with black
    corners = (field.column, field.row, field.column + field.side, field.row + field.side)
    shown = Image.fromarray(grey).transform(
        (style.WIDTH, style.WIDTH), Image.Transform.EXTENT, corners, Image.Resampling.BICUBIC
    )
    return shown.convert("RGB")


def _shape(lesion: Lesion, index: int, field: Field) -> NDArray[np.bool_]:
    """Counted pixels of one slice in picture coordinates (row, column)."""
    shape = np.zeros((style.WIDTH, style.WIDTH), dtype=bool)
    for run_slice, row, column, length in lesion.runs:
        if run_slice == index:
            top, left = (row - field.row) * field.scale, (column - field.column) * field.scale
            bottom, right = top + field.scale, left + length * field.scale
            top, left, bottom, right = (max(round(edge), 0) for edge in (top, left, bottom, right))
            shape[top:bottom, left:right] = True
    return shape


def _outline(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A line of two pixels just outside, so that what was counted stays visible."""
    near = ndimage.binary_dilation(shape, iterations=1)
    return np.asarray(ndimage.binary_dilation(near, iterations=2) & ~near)


def _bounds(shape: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    if rows.size == 0:
        return (0, style.HEADER, 0, style.HEADER)
    top, bottom = int(rows[0]) + style.HEADER, int(rows[-1]) + style.HEADER
    return (int(columns[0]) - 3, top - 3, int(columns[-1]) + 4, bottom + 4)


def _labels(draw: ImageDraw.ImageDraw, lesions: Sequence[tuple[Lesion, Box]], taken: Sequence[Box]) -> None:
    """Artery and value beside each lesion, at the nearest free place, tied to it by a thin line."""
    used = [*taken, *(box for _, box in lesions)]
    labels: list[tuple[str, style.Colour, Box]] = []
    for lesion, box in sorted(lesions, key=lambda pair: pair[1][1]):
        words = f"{lesion.artery or NO_ARTERY} {lesion.agatston:.1f}"
        place = _free_place(box, draw.textlength(words, font(_LABEL)) + 8, _LABEL + 6, used)
        colour = style.artery_colour(lesion.artery)
        end = (min(max((box[0] + box[2]) / 2, place[0]), place[2]), min(max((box[1] + box[3]) / 2, place[1]), place[3]))
        start = (min(max(end[0], box[0]), box[2]), min(max(end[1], box[1]), box[3]))
        draw.line((*start, *end), fill=colour, width=1)
        used.append(place)
        labels.append((words, colour, place))
    # after every line, so that none crosses words
    for words, colour, place in labels:
        draw.rounded_rectangle(place, 4, fill=style.BACKGROUND)
        draw.text(((place[0] + place[2]) / 2, (place[1] + place[3]) / 2), words, colour, font(_LABEL), anchor="mm")


def _free_place(box: Box, width: float, height: float, used: Sequence[Box]) -> Box:
    free = [place for place in _places(box, width, height) if not any(_overlap(place, one) for one in used)]
    corner = (4.0, style.HEADER + 4.0, 4.0 + width, style.HEADER + 4.0 + height)
    return min(free, key=lambda place: _distance(place, box), default=corner)


def _places(box: Box, width: float, height: float) -> list[Box]:
    """Places for a label on rings around a lesion, inside the picture."""
    places: list[Box] = []
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for gap in (14, 34, 60, 90, 130, 180, 240):
        for left, top in (
            (box[2] + gap, y - height / 2),
            (box[0] - gap - width, y - height / 2),
            (box[2] + gap * 0.7, box[1] - gap * 0.7 - height),
            (box[0] - gap * 0.7 - width, box[1] - gap * 0.7 - height),
            (box[2] + gap * 0.7, box[3] + gap * 0.7),
            (box[0] - gap * 0.7 - width, box[3] + gap * 0.7),
            (x - width / 2, box[1] - gap - height),
            (x - width / 2, box[3] + gap),
        ):
            inside = 4 <= left <= style.WIDTH - 4 - width and style.HEADER + 4 <= top <= style.HEIGHT - 4 - height
            if inside:
                places.append((left, top, left + width, top + height))
    return places


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] + 3 and other[0] < one[2] + 3 and one[1] < other[3] + 3 and other[1] < one[3] + 3


def _distance(one: Box, other: Box) -> float:
    across = max(other[0] - one[2], one[0] - other[2], 0.0)
    down = max(other[1] - one[3], one[1] - other[3], 0.0)
    return float(np.hypot(across, down))


def _edges(draw: ImageDraw.ImageDraw, plane: Plane) -> list[Box]:
    middle = style.HEADER + style.WIDTH / 2
    spots = (
        (16.0, middle),
        (style.WIDTH - 16.0, middle),
        (style.WIDTH / 2, style.HEADER + 18.0),
        (style.WIDTH / 2, style.HEIGHT - 18.0),
    )
    used: list[Box] = []
    for letter, (x, y) in zip(plane.edges(), spots, strict=True):
        draw.text((x, y), letter, style.PLAIN, font(20), anchor="mm", stroke_width=2, stroke_fill=style.BACKGROUND)
        used.append((x - 10, y - 12, x + 10, y + 12))
    return used


def _scale_bar(draw: ImageDraw.ImageDraw, plane: Plane, field: Field) -> list[Box]:
    if plane.spacing_mm is None:
        return []
    length = 20 / plane.spacing_mm[1] * field.scale
    left, y = 20.0, style.HEIGHT - 22.0
    draw.line((left - 1, y, left + length + 1, y), fill=style.BACKGROUND, width=5)
    for line in ((left, y, left + length, y), (left, y - 5, left, y + 5), (left + length, y - 5, left + length, y + 5)):
        draw.line(line, fill=style.PLAIN, width=2)
    place = (left + length / 2, y - 8)
    draw.text(place, "2 cm", style.PLAIN, font(15), anchor="ms", stroke_width=2, stroke_fill=style.BACKGROUND)
    return [(left, y - 26, left + length, y + 6)]


def _header(draw: ImageDraw.ImageDraw, image: ImageRef, plane: Plane, captions: Captions) -> None:
    words = [f"Image {plane.instance_number}"] if plane.instance_number else []
    if image.frame is not None:
        words.append(f"Frame {image.frame}")
    words.append(f"Slice {image.slice + 1} of {captions.slices}")
    if plane.position_mm is not None:
        words.append(f"z {plane.position_mm[2]:.1f} mm")
    draw.text((16, 20), "   ".join(words), style.STRONG, font(18), anchor="lm")
    draw.text((style.WIDTH - 16, 20), captions.result, style.STRONG, font(18), anchor="rm")
    note = "Labels: Agatston score of the whole lesion"
    draw.text((style.WIDTH - 16, 46), note, style.FAINT, font(14), anchor="rm")
    room = int(style.WIDTH - 48 - draw.textlength(note, font(14)))
    draw.text((16, 46), style.shortened(draw, captions.warning, 14, room), style.WARNING, font(14), anchor="lm")
