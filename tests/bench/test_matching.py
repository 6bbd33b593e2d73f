"""Matching of lesions to calcifications."""

from __future__ import annotations

import pytest

from scoring.images.slices import Plane

from .conftest import calcification, counted, truth


@pytest.fixture
def matching(part):
    return part("matching")


def test_a_calcification_reaches_half_its_length_and_a_margin(matching) -> None:
    phantom_truth = truth(calcification("LAD", (0.0, 0.0, 0.0), 10.0, length=10.0))
    # half of 10 mm, 2 mm, half a slice of 3 mm: 8.5 mm
    assert matching.owner((8.4, 0.0, 0.0), phantom_truth, 3.0) == 0
    assert matching.owner((8.6, 0.0, 0.0), phantom_truth, 3.0) is None


def test_the_nearer_one_owns_by_the_share_of_its_reach(matching) -> None:
    long = calcification("LAD", (0.0, 0.0, 0.0), 100.0, length=20.0)
    short = calcification("LM", (9.0, 0.0, 0.0), 5.0, length=2.0)
    assert matching.owner((8.5, 0.0, 0.0), truth(long, short), 3.0) == 1
    assert matching.owner((4.0, 0.0, 0.0), truth(long, short), 3.0) == 0


def test_at_a_distractor_nothing_is_coronary(matching) -> None:
    phantom_truth = truth(
        calcification("LCX", (0.0, 0.0, 0.0), 100.0, length=20.0), distractors=[("mitral annulus", (9.0, 0.0, 0.0))]
    )
    assert matching.owner((8.0, 0.0, 0.0), phantom_truth, 3.0) is None
    assert matching.owner((8.0, 0.0, 0.0), phantom_truth, 3.0, [0.4]) == 0  # it reaches the calcification's middle
    assert matching.owner((4.0, 0.0, 0.0), phantom_truth, 3.0) == 0
    assert matching.kind((8.0, 0.0, 0.0), phantom_truth) == "mitral annulus"
    assert matching.kind((-12.0, 0.0, 0.0), phantom_truth) is None


def test_one_lesion_finds_every_calcification_that_it_contains(matching) -> None:
    phantom_truth = truth(
        calcification("LAD", (0.0, 0.0, 0.0), 50.0),
        calcification("LAD", (5.0, 0.0, 0.0), 10.0),
        calcification("RCA", (40.0, 0.0, 0.0), 10.0),
    )
    lesions = [counted("LAD", (2.0, 0.0, 0.0), 60.0), counted("RCA", (90.0, 0.0, 0.0), 7.0)]
    result = matching.match(lesions, [[0.2, 0.3, 34.0], [88.0, 84.0, 48.0]], phantom_truth, 3.0)
    assert result.owners == (0, None)
    assert result.found == {0, 1}


@pytest.mark.parametrize("turned", [1, -1])
def test_nearest_voxel(matching, turned) -> None:
    # Slices 3 mm apart with a tilted gantry: each starts 1 mm further back.
    ways = (turned, 0.0, 0.0, 0.0, turned, 0.0)
    planes = {f"1.{z}": Plane((10.0, -20.0 + z, 30.0 + 3 * z), ways, (0.5, 0.25), 9, 9, "") for z in range(4)}
    # row 4 is 2 mm down, column 8 is 2 mm across
    phantom_truth = truth(calcification("LM", (10.0 + 2 * turned, -18.0 + 2 * turned, 36.0), 1.0))
    runs = ((2, 4, 4, 4), (3, 8, 0, 1))  # the last voxel in slice 2 is one column before that
    (row,) = matching.nearest_mm([counted("LM", (0.0, 0.0, 0.0), 1.0, runs=runs)], phantom_truth, planes)
    assert row == [0.25]
    assert matching.nearest_mm([], phantom_truth, planes) == []
