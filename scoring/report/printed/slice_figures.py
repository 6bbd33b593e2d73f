"""A few slices for a printed page: those that show the most of what was counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from scoring.report.common.plane import read_plane
from scoring.report.slices.field import common_field
from scoring.report.slices.outline import shape_of
from scoring.report.slices.shown import choose_images
from scoring.report.slices.slice_picture import Shown, draw_grey, draw_outlines
from scoring.result import ImageRef, Lesion, Score

Pixels = Callable[[ImageRef], NDArray[np.generic]]

MOST: Final = 3
_SIDE: Final = 460
_QUALITY: Final = 88


@dataclass(frozen=True, slots=True)
class SliceFigure:
    """A slice as JPEG of the region around the heart, its lesions, and the letters of its edges (left, right, top)."""

    image: ImageRef
    content: bytes
    lesions: tuple[Lesion, ...]
    letters: tuple[str, str, str]


def build_slice_figures(score: Score, headers: Sequence[Dataset], pixels: Pixels) -> list[SliceFigure]:
    """At most three slices, from foot to head: each shows the most calcium of lesions that no other one shows."""
    images = choose_images(score)
    chosen: list[SliceFigure] = []
    for index in sorted(_choose_slices(score.lesions, images)):
        image = images[index]
        plane = read_plane(headers, image)
        field = common_field(score.lesions, score.series.rows, score.series.columns, plane.spacing_mm, _SIDE)
        here = tuple(lesion for lesion in score.lesions if any(run[0] == index for run in lesion.runs))
        picture = draw_grey(pixels(image), field).copy()
        shapes = [(lesion, shape_of(lesion.runs, index, field)) for lesion in here]
        draw_outlines(picture, [Shown(lesion, shape) for lesion, shape in shapes if shape is not None])
        left, right, top, _ = plane.edges()
        chosen.append(SliceFigure(image, _encode_jpeg(picture), here, (left, right, top)))
    return chosen


def _choose_slices(lesions: Sequence[Lesion], images: dict[int, ImageRef]) -> list[int]:
    """Slices with the most counted pixels of lesions that are on none of the ones before; of equals the lowest."""
    left, chosen = list(lesions), list[int]()
    while left and len(chosen) < MOST:
        area: dict[int, int] = {}
        for index, _, _, length in (run for lesion in left for run in lesion.runs):
            if index in images:
                area[index] = area.get(index, 0) + length
        if not area:
            break
        best = max(sorted(area), key=lambda index: area[index])
        chosen.append(best)
        left = [lesion for lesion in left if all(run[0] != best for run in lesion.runs)]
    return chosen


def _encode_jpeg(picture: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
