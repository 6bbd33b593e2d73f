"""Outlines on a slice: exactly what was counted, whole where it is sure and dashed where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scoring.report.common.colours import ARTERY_COLOUR, Colour
from scoring.report.slices.field import Field, common_field
from scoring.report.slices.outline import shape_of
from scoring.report.slices.slice_picture import Shown, draw_grey, draw_outlines
from scoring.result import Lesion, Score

SIDE = 720


def drawn(lesions: tuple[Lesion, ...], index: int, field: Field) -> NDArray[np.uint8]:
    """A slice of soft tissue with the outlines of its lesions."""
    picture = draw_grey(np.full((96, 96), 40, dtype=np.int16), field).copy()
    shapes = [(lesion, shape_of(lesion.runs, index, field)) for lesion in lesions]
    draw_outlines(picture, [Shown(lesion, shape) for lesion, shape in shapes if shape is not None])
    return picture


def line_of(picture: NDArray[np.uint8], colour: Colour) -> NDArray[np.bool_]:
    return np.asarray((picture == colour).all(axis=2))


def test_what_is_outlined_is_exactly_what_was_counted(scores: dict[str, Score]) -> None:
    lesions = tuple(replace(one, confidence=0.9) for one in scores["250"].lesions)
    field = common_field(lesions, 96, 96, (1.5, 1.5), SIDE)
    for index in range(5):
        picture = drawn(lesions, index, field)
        for artery, colour in ARTERY_COLOUR.items():
            counted = np.zeros((SIDE, SIDE), dtype=bool)
            for lesion in lesions:
                for run_slice, row, column, length in lesion.runs if lesion.artery == artery else ():
                    if run_slice == index:
                        top, left, bottom, right = field.edges(row, column, length)
                        counted[top:bottom, left:right] = True
            line = line_of(picture, colour)
            assert not (line & counted).any()
            # what the line closes in is what was counted and the pixel that is left free around it
            inside = ndimage.binary_fill_holes(line) & ~line
            assert np.array_equal(inside, ndimage.binary_dilation(counted))


@pytest.mark.parametrize(("confidence", "whole"), [(0.8, True), (0.79, False)])
def test_an_uncertain_lesion_has_dashes_and_a_sure_one_a_whole_line(
    scores: dict[str, Score], confidence: float, whole: bool
) -> None:
    lesions = (replace(scores["3"].lesions[0], confidence=confidence),)
    line = line_of(drawn(lesions, 0, common_field(lesions, 96, 96, (1.5, 1.5), SIDE)), ARTERY_COLOUR["RCA"])
    parts = ndimage.label(line, structure=np.ones((3, 3)))[1]
    assert (parts == 1) is whole
    closed = bool(ndimage.binary_fill_holes(line).sum() > line.sum())
    assert closed is whole
