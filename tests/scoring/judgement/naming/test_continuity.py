"""Lesions in line and side by side."""

import numpy as np
import pytest

from scoring.judgement.naming import continuity


def rod(start, end, width=2.0):
    """Points every 0.5 mm in a rod as wide as high."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    line = np.linspace(start, end, max(2, int(np.linalg.norm(end - start) / 0.5) + 1))
    offsets = np.stack(np.meshgrid(*[np.arange(-width / 2, width / 2 + 0.1, 0.5)] * 3), axis=-1).reshape(-1, 3)
    return (line[:, None] + offsets).reshape(-1, 3)


def link(*shapes):
    centres = np.array([shape.mean(axis=0) for shape in shapes])
    return continuity.link(centres, np.arange(len(shapes)), np.ones(len(shapes)), shapes)


def test_a_long_rod_has_a_direction():
    direction = continuity.find_direction(rod((0, 0, 0), (12, 12, 0)))
    assert np.linalg.norm(direction) == pytest.approx(1, abs=0.01)
    assert abs(direction @ [1, 1, 0]) / np.sqrt(2) == pytest.approx(1, abs=0.01)


def test_a_ball_has_none():
    assert np.linalg.norm(continuity.find_direction(rod((0, 0, 0), (0.5, 0, 0), width=4))) < 0.2


@pytest.mark.parametrize(
    ("step", "value"), [((10, 0, 0), 1.0), ((0, 10, 0), -1.0), ((7, 7, 0), 0.0), ((-3, 0, 0), 1.0)]
)
def test_alignment_along_and_across(step, value):
    assert continuity.measure_alignment(np.array([1.0, 0, 0]), np.array(step, float)) == pytest.approx(value)


def test_alignment_without_direction():
    assert continuity.measure_alignment(np.zeros(3), np.array([1.0, 0, 0])) == 0.5


def test_in_line_is_one_vessel_side_by_side_are_two():
    first = rod((0, 0, 0), (14, 0, 0))
    _, inline = link(first, rod((17, 0, 0), (31, 0, 0)))
    _, beside = link(first, rod((0, 7, 0), (14, 7, 0)))
    assert inline[0] > 0.15
    assert beside[0] < -0.4


def test_the_nearer_the_stronger():
    strength = [link(rod((0, 0, 0), (1, 0, 0)), rod((gap, 0, 0), (gap + 1, 0, 0)))[1][0] for gap in (4, 8, 16)]
    assert strength[0] > strength[1] > strength[2] > 0


def test_a_third_one_between_breaks_the_link():
    pairs, _ = link(*(rod((x, 0, 0), (x + 1, 0, 0)) for x in (0, 8, 16)))
    assert sorted(pairs.tolist()) == [[0, 1], [1, 2]]


def test_far_ones_are_not_linked():
    pairs, values = link(rod((0, 0, 0), (1, 0, 0)), rod((40, 0, 0), (41, 0, 0)))
    assert pairs.shape == (0, 2)
    assert values.shape == (0,)


def test_the_nearest_pieces_are_linked():
    """Two lesions of two pieces each."""
    shapes = [rod((0, 0, 0), (10, 0, 0)), rod((14, 0, 0), (24, 0, 0))]
    centres = np.array([[2.5, 0, 0], [7.5, 0, 0], [16.5, 0, 0], [21.5, 0, 0]])
    pairs, _ = continuity.link(centres, np.array([0, 0, 1, 1]), np.ones(4), shapes)
    assert pairs.tolist() == [[1, 2]]


def test_side_by_side_every_piece_says_so():
    """A plate of three pieces beside a longer one of four: 7 mm apart, each by its weight."""
    shapes = [rod((0, 0, 0), (20, 0, 0)), rod((0, 7, 0), (14, 7, 0))]
    centres = np.array([*((x, 0, 0) for x in (2, 7, 12, 17)), *((x, 7, 0) for x in (2, 7, 12))], float)
    weight = np.array([1.0, 1, 1, 1, 0.2, 0.3, 0.4])
    pairs, values = continuity.link(centres, np.array([0] * 4 + [1] * 3), weight, shapes)
    assert pairs.tolist() == [[4, 0], [5, 1], [6, 2]]
    assert values == pytest.approx(-np.exp(-0.7) * weight[4:], rel=0.02)


def test_directions_are_local():
    """A plate that turns by a right angle."""
    bent = np.concatenate([rod((0, 0, 0), (20, 0, 0)), rod((20, 0, 0), (20, 20, 0))])
    centres = np.array([[4.0, 0, 0], [20.0, 16, 0]])
    first, second = continuity.find_directions(centres, np.array([0, 0]), [bent])
    assert abs(first[0]) > 0.9
    assert abs(second[1]) > 0.9
