from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.report.pictures import labels, style
from scoring.report.pictures.outline import Field, borders, shape_of
from scoring.report.pictures.slice_picture import Shown, grey, outlined
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
    picture = grey(hu, Field(-10.0, 0.0, 60.0, 60.0, 120))
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
    below = grey(np.full((100, 100), 200, dtype=np.int16), FIELD)
    picture = np.zeros_like(below)
    outlined(picture, shown, below)
    counted = np.zeros(picture.shape[:2], dtype=bool)
    counted[60:66, 60:78] = counted[66:72, 84:102] = True
    assert np.array_equal(picture[counted], below[counted])
    colours = {tuple(colour) for colour in picture[~counted].reshape(-1, 3).tolist()}
    assert colours == {(0, 0, 0), style.ARTERY_COLOUR["RCA"], style.ARTERY_COLOUR["LM"]}


boxes = st.tuples(st.integers(10, 640), st.integers(80, 700), st.integers(2, 60), st.integers(2, 60))


@given(st.lists(st.tuples(boxes, st.integers(50, 160)), min_size=1, max_size=14))
def test_words_stand_over_nothing_else(things: list[tuple[tuple[int, int, int, int], int]]) -> None:
    area = (4, 68, 716, 780)
    wanted = [((float(x), float(y), float(x + w), float(y + h)), float(width), 25.0) for (x, y, w, h), width in things]
    taken = [(20.0, 734.0, 120.0, 768.0)]
    found = labels.places(wanted, taken, area)
    kept = [place for place in found if place is not None]
    assert len(kept) == len(found)
    for index, place in enumerate(kept):
        others = [*taken, *(box for box, _, _ in wanted), *kept[:index]]
        assert not any(labels.overlap(place, other, 0) for other in others)
        assert area[0] <= place[0] < place[2] <= area[2]
        assert area[1] <= place[1] < place[3] <= area[3]


def test_where_no_room_is_no_words_are_set() -> None:
    assert labels.places([((0.0, 0.0, 50.0, 50.0), 40.0, 20.0)], [], (0, 0, 60, 60)) == [None]


@pytest.mark.parametrize(
    ("one", "other", "apart"), [((0, 0, 2, 2), (5, 6, 7, 7), 5.0), ((0, 0, 9, 9), (3, 3, 4, 4), 0.0)]
)
def test_distance_is_between_the_nearest_points(one: style.Box, other: style.Box, apart: float) -> None:
    assert labels.distance(one, other) == apart
