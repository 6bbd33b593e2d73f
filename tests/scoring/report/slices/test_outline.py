from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.report.common.colours import ARTERY_COLOUR
from scoring.report.slices.field import Field
from scoring.report.slices.outline import borders, shape_of
from scoring.report.slices.slice_picture import Shown, draw_grey, draw_outlines
from scoring.result import Score

FIELD = Field(10.0, 20.0, 50.0, 50.0, 300)
cells = st.sets(st.tuples(st.integers(12, 55), st.integers(22, 65)), min_size=1, max_size=25)


def as_runs(pixels: set[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    return [(3, row, column, 1) for row, column in sorted(pixels)]


@given(cells)
def test_the_mask_is_exactly_the_counted_pixels(pixels: set[tuple[int, int]]) -> None:
    shape = shape_of(as_runs(pixels), 3, FIELD)
    assert shape is not None
    picture = np.zeros((FIELD.side, FIELD.side), dtype=bool)
    for row, column in pixels:
        top, left = (row - 10) * 6, (column - 20) * 6
        picture[top : top + 6, left : left + 6] = True
    height, width = shape.mask.shape
    padded = np.pad(picture, 10)
    part = padded[shape.top + 10 : shape.top + 10 + height, shape.left + 10 : shape.left + 10 + width]
    assert np.array_equal(part, shape.mask)
    assert part.sum() == picture.sum()


@given(cells, st.booleans())
def test_no_line_runs_over_a_counted_pixel(pixels: set[tuple[int, int]], dashed: bool) -> None:
    shape = shape_of(as_runs(pixels), 3, FIELD)
    assert shape is not None
    line = shape.line(dashed=dashed)
    assert not (line & shape.mask).any()
    assert not np.concatenate([line[0], line[-1], line[:, 0], line[:, -1]]).any()
    assert line.any()


@given(cells)
def test_dashes_are_a_part_of_the_line_with_gaps(pixels: set[tuple[int, int]]) -> None:
    shape = shape_of(as_runs(pixels), 3, FIELD)
    assert shape is not None
    whole, dashes = shape.line(dashed=False), shape.line(dashed=True)
    assert not (dashes & ~whole).any()
    assert 0.35 < dashes.sum() / whole.sum() < 0.85


@given(cells)
def test_borders_go_once_along_every_edge(pixels: set[tuple[int, int]]) -> None:
    loops = borders(pixels)
    assert all(loop[0] == loop[-1] for loop in loops)
    steps = [(a, b) for loop in loops for a, b in pairwise(loop)]
    edges = sum(
        (row + dr, column + dc) not in pixels for row, column in pixels for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))
    )
    assert len(steps) == len(set(steps)) == edges
    assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1 for a, b in steps)


def test_a_slice_without_runs_has_no_shape() -> None:
    assert shape_of([(2, 20, 30, 4)], 3, FIELD) is None


def test_pixels_that_are_not_square_keep_their_proportions() -> None:
    shape = shape_of([(0, 20, 30, 1)], 0, Field(0.0, 0.0, 50.0, 100.0, 200))
    assert shape is not None
    rows, columns = np.nonzero(shape.mask)
    assert (np.unique(rows).size, np.unique(columns).size) == (4, 2)


def test_what_lies_beyond_the_image_is_black() -> None:
    hu = np.full((40, 60), 400, dtype=np.int16)
    picture = draw_grey(hu, Field(-10.0, 0.0, 60.0, 60.0, 120))
    assert (picture[:18] == 0).all()
    assert (picture[24:96] > 200).all()
    assert (picture[102:] == 0).all()


def test_outlines_of_neighbours_leave_each_others_pixels_free(scores: dict[str, Score]) -> None:
    lesion = scores["3"].lesions[0]
    near = [
        replace(lesion, runs=((0, 20, 30, 3),), confidence=0.9),
        replace(lesion, runs=((0, 21, 34, 3),), artery="LM"),
    ]
    shapes = [(one, shape_of(one.runs, 0, FIELD)) for one in near]
    shown = [Shown(one, shape) for one, shape in shapes if shape is not None]
    below = draw_grey(np.full((100, 100), 200, dtype=np.int16), FIELD)
    picture = np.zeros_like(below)
    draw_outlines(picture, shown, below)
    counted = np.zeros(picture.shape[:2], dtype=bool)
    counted[60:66, 60:78] = counted[66:72, 84:102] = True
    assert np.array_equal(picture[counted], below[counted])
    colours = {tuple(colour) for colour in picture[~counted].reshape(-1, 3).tolist()}
    assert colours == {(0, 0, 0), ARTERY_COLOUR["RCA"], ARTERY_COLOUR["LM"]}
