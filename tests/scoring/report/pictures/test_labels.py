"""Places of words on a slice: near their lesion, over nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.report.pictures import labels
from scoring.report.slices.outline import Box

boxes = st.tuples(st.integers(10, 640), st.integers(80, 700), st.integers(2, 60), st.integers(2, 60))


@given(st.lists(st.tuples(boxes, st.integers(50, 160)), min_size=1, max_size=14))
def test_words_stand_over_nothing_else(things: list[tuple[tuple[int, int, int, int], int]]) -> None:
    area = (4, 68, 716, 780)
    wanted = [((float(x), float(y), float(x + w), float(y + h)), float(width), 25.0) for (x, y, w, h), width in things]
    taken = [(20.0, 734.0, 120.0, 768.0)]
    found = labels.place_labels(wanted, taken, area)
    kept = [place for place in found if place is not None]
    assert len(kept) == len(found)
    for index, place in enumerate(kept):
        others = [*taken, *(box for box, _, _ in wanted), *kept[:index]]
        assert not any(labels.overlap(place, other, 0) for other in others)
        assert area[0] <= place[0] < place[2] <= area[2]
        assert area[1] <= place[1] < place[3] <= area[3]


def test_where_no_room_is_no_words_are_set() -> None:
    assert labels.place_labels([((0.0, 0.0, 50.0, 50.0), 40.0, 20.0)], [], (0, 0, 60, 60)) == [None]


@pytest.mark.parametrize(
    ("one", "other", "apart"), [((0, 0, 2, 2), (5, 6, 7, 7), 5.0), ((0, 0, 9, 9), (3, 3, 4, 4), 0.0)]
)
def test_distance_is_between_the_nearest_points(one: Box, other: Box, apart: float) -> None:
    assert labels.distance(one, other) == apart
