"""Limits of agreement against the example of Bland and Altman, and formulas written out."""

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from scoring.validation.limits import compute_limits, expect_scores

# Bland and Altman 1986, table 1: peak expiratory flow (l/min), first readings of both meters
WRIGHT = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], dtype=float)
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], dtype=float)


def test_the_published_example():
    """Mean -2.1 l/min (95 % interval -22.0 to 17.8), standard deviation 38.8, as they print them."""
    found = compute_limits(WRIGHT, MINI)
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.deviation == pytest.approx(38.8, abs=0.05)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.1)


def test_sixty_readings_by_formulas_written_out(sixty):
    ours, theirs = ([getattr(pair, side).total ** 0.5 for pair in sixty] for side in ("ours", "theirs"))
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    mean, spread, n = statistics.mean(differences), statistics.stdev(differences), 60
    t = stats.t(n - 1).ppf(0.975)
    found = compute_limits(np.array(ours), np.array(theirs))
    half = t * spread * math.sqrt(1 / n + 1.959964**2 / (2 * (n - 1)))
    for limit, middle in ((found.lower, mean - 1.959964 * spread), (found.upper, mean + 1.959964 * spread)):
        assert (limit.value, limit.low, limit.high) == pytest.approx((middle, middle - half, middle + half), abs=1e-5)
    assert (found.bias.low, found.bias.high) == pytest.approx(
        (mean - t * spread / math.sqrt(n), mean + t * spread / math.sqrt(n))
    )


def test_roots_give_limits_for_every_size_of_score():
    generator = np.random.default_rng(3)
    theirs = generator.uniform(1, 2000, 4000)
    ours = np.maximum(np.sqrt(theirs) + generator.normal(0, 1, len(theirs)), 0) ** 2
    raw, roots = compute_limits(ours, theirs), compute_limits(np.sqrt(ours), np.sqrt(theirs))
    assert raw.widening.low > 0.1
    assert abs(roots.widening.value) < 0.06
    inside = [
        np.mean((one.low <= ours[near]) & (ours[near] <= one.high))
        for one in expect_scores(roots)
        if (near := np.abs(np.sqrt(theirs) - math.sqrt(one.reader)) < 1).any()
    ]
    assert all(0.85 < share <= 1 for share in inside)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_of_less_than_three_there_are_no_limits(n):
    found = compute_limits(np.arange(n) + 3.0, np.arange(n) * 1.0)
    assert found.lower.value is None
    assert found.lower.missing == ("too_few" if n else "no_cases")
    assert found.bias.value == (3.0 if n else None)
    assert expect_scores(found) == ()
