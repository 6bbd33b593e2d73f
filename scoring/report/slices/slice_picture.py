"""A part of a slice as a grey picture with the counted pixels of its lesions outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.report.common.colours import artery_colour
from scoring.report.common.texts import Texts
from scoring.report.slices.field import Field
from scoring.report.slices.outline import Shape
from scoring.result import Lesion

WINDOW_CENTRE_HU: Final = 90
WINDOW_WIDTH_HU: Final = 750


@dataclass(frozen=True, slots=True)
class Shown:
    """A lesion and its counted pixels in a picture."""

    lesion: Lesion
    shape: Shape

    @property
    def uncertain(self) -> bool:
        """Counted, but not surely coronary calcium: outlined with dashes."""
        return self.lesion.is_uncertain


def format_label(lesion: Lesion, texts: Texts) -> str:
    """Artery and Agatston score of the whole lesion."""
    return f"{lesion.artery or texts('pictures.no_artery')} {texts.number(lesion.agatston)}"


def draw_grey(hu: NDArray[np.generic], field: Field) -> NDArray[np.uint8]:
    """The part of a slice (rows, columns, HU) that `field` shows, windowed: RGB, black where there is no image."""
    low = WINDOW_CENTRE_HU - WINDOW_WIDTH_HU / 2
    # windowed before it is resized, and only near the part that is shown
    rows, columns = hu.shape
    top, bottom = max(int(field.row) - 4, 0), min(int(field.row + field.height) + 5, rows)
    left, right = max(int(field.column) - 4, 0), min(int(field.column + field.width) + 5, columns)
    part = hu[top:bottom, left:right].astype(np.float32)
    windowed = np.clip((part - low) * (255 / WINDOW_WIDTH_HU), 0, 255).astype(np.uint8)
    corners = (
        field.column - left,
        field.row - top,
        field.column + field.width - left,
        field.row + field.height - top,
    )
    # transform, not crop: what lies beyond the image is filled with black
    picture = Image.fromarray(windowed).transform(
        (field.side, field.side), Image.Transform.EXTENT, corners, Image.Resampling.BICUBIC
    )
    return np.repeat(np.asarray(picture)[:, :, np.newaxis], 3, axis=2)


def draw_outlines(picture: NDArray[np.uint8], lesions: Sequence[Shown], below: NDArray[np.uint8] | None = None) -> None:
    """Draw the outlines of lesions into an RGB picture; counted pixels of any lesion stay visible.

    `below` is the picture before anything was drawn, from which counted pixels are taken again.
    """
    counted = np.zeros(picture.shape[:2], dtype=bool)
    for one in lesions:
        _paint(counted, one.shape, one.shape.mask)
    if below is not None:
        picture[counted] = below[counted]
    for one in lesions:
        line = np.zeros_like(counted)
        _paint(line, one.shape, one.shape.line(dashed=one.uncertain))
        picture[line & ~counted] = artery_colour(one.lesion.artery)


def _paint(target: NDArray[np.bool_], shape: Shape, mask: NDArray[np.bool_]) -> None:
    """Set what is true in a shape's mask, as far as it lies in the picture."""
    rows, columns = target.shape
    top, left = max(shape.top, 0), max(shape.left, 0)
    bottom, right = min(shape.top + mask.shape[0], rows), min(shape.left + mask.shape[1], columns)
    if top < bottom and left < right:
        part = mask[top - shape.top : bottom - shape.top, left - shape.left : right - shape.left]
        target[top:bottom, left:right] |= part
