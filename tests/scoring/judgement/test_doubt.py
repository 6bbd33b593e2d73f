"""The range of a total from what is doubted, and from how well a total is measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.judgement.doubt import Doubtful, find_range


def exact(_: float) -> float:
    """As if a total could be measured without any spread."""
    return 0.0


def root(agatston: float) -> float:
    """As on slices of 3 mm."""
    return float(np.sqrt(agatston))


def item(agatston, confidence, alternative="clip"):
    return Doubtful(agatston, confidence, confidence >= 0.5, alternative)


def test_nothing():
    assert find_range([], exact) == (0.0, 0.0)


def test_a_certain_lesion_has_the_range_of_its_measurement():
    """1.64 standard deviations either way."""
    low, high = find_range([item(900.0, 1.0)], root)
    assert low == pytest.approx(900 - 1.645 * 30, abs=3)
    assert high == pytest.approx(900 + 1.645 * 30, abs=3)
    assert find_range([item(900.0, 1.0)], exact) == (900.0, 900.0)


@pytest.mark.parametrize(
    ("confidence", "ends"),
    [(0.97, (110, 110)), (0.93, (100, 110)), (0.5, (100, 110)), (0.07, (100, 110)), (0.03, (100, 100))],
)
def test_what_is_doubted_by_one_in_twenty_moves_an_end(confidence, ends):
    assert find_range([item(100.0, 1.0), item(10.0, confidence)], exact) == ends


def test_of_many_doubted_alone_not_all_are_wrong():
    """Twenty of 10, each with 0.9, for different reasons: 180 (SD 13) are to be expected."""
    low, high = find_range([item(10.0, 0.9, f"reason {number}") for number in range(20)], exact)
    assert low == pytest.approx(180 - 1.645 * np.sqrt(20 * 0.09) * 10, abs=10)
    assert high == 200


def test_what_would_be_the_same_stands_and_falls_together():
    """Pieces of one ring: their range is wider than that of unlike ones with the same confidence."""
    one = find_range([item(10.0, 0.6, "mitral_annulus") for _ in range(12)], exact)
    many = find_range([item(10.0, 0.6, f"reason {number}") for number in range(12)], exact)
    assert one[1] - one[0] > 1.3 * (many[1] - many[0]) or one[0] < many[0]
    assert one[0] < many[0]


ITEMS = st.lists(
    st.builds(item, st.floats(0.5, 500), st.floats(0, 1), st.sampled_from(["clip", "at_bone", "pericardium"])),
    max_size=8,
)


@given(ITEMS, st.randoms())
def test_holds_what_was_counted_in_any_order(items, random):
    total = sum(one.agatston for one in items if one.counted)
    low, high = find_range(items, root)
    assert low <= total + 1e-9
    assert high >= total - 1e-9
    shuffled = list(items)
    random.shuffle(shuffled)
    assert find_range(shuffled, root) == pytest.approx((low, high))


def test_faint_possibilities_raise_the_upper_end_alone():
    """Thirty of 10, each with 0.3, for different reasons: 90 (SD 25) more are to be expected, but none was counted."""
    doubted = item(100.0, 0.9)
    low, high = find_range([doubted, *(item(10.0, 0.3, f"reason {number}") for number in range(30))], exact)
    assert low == find_range([doubted], exact)[0] == 0
    assert high == pytest.approx(190 + 1.645 * np.sqrt(30 * 0.21) * 10, abs=20)
