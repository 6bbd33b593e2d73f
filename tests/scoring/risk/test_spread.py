"""The spread of a total by slice phase and noise."""

from __future__ import annotations

import pytest

from scoring.risk.spread import estimate_spread


@pytest.mark.parametrize(
    ("agatston", "spacing", "expected"),
    [(0.0, 3.0, 0.0), (100.0, 3.0, 10.0), (400.0, 3.0, 20.0), (400.0, 1.5, 10.0), (9.0, 5.0, 5.0), (-1.0, 3.0, 0.0)],
)
def test_it_grows_with_the_root_of_the_score_and_with_the_spacing(agatston, spacing, expected) -> None:
    assert estimate_spread(agatston, spacing) == pytest.approx(expected)
