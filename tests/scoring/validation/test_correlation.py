"""Correlations against scipy, and Lin's coefficient against its definition and a bootstrap."""

import numpy as np
import pytest
from scipy import stats

from scoring.validation.correlation import estimate_concordance, estimate_pearson, estimate_spearman

ALL = [estimate_pearson, estimate_spearman, estimate_concordance]


@pytest.fixture
def totals(sixty):
    return np.array([pair.ours.total for pair in sixty]), np.array([pair.theirs.total for pair in sixty])


def test_values_are_those_of_scipy(totals):
    pearson = stats.pearsonr(*totals)
    found = estimate_pearson(*totals)
    interval = pearson.confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((pearson.statistic, *interval), abs=1e-9)
    assert estimate_spearman(*totals).value == pytest.approx(stats.spearmanr(*totals).statistic, abs=1e-12)


def test_concordance_is_what_lin_defines(totals):
    ours, theirs = totals
    distance = np.mean((ours - theirs) ** 2)
    independent = ours.var() + theirs.var() + (ours.mean() - theirs.mean()) ** 2
    assert estimate_concordance(*totals).value == pytest.approx(1 - distance / independent, abs=1e-12)


def test_the_interval_of_concordance_is_that_of_a_bootstrap():
    """Of normal readings, for which the variance holds."""
    generator = np.random.default_rng(11)
    truth = generator.normal(0, 2, 200)
    ours, theirs = truth + generator.normal(0.4, 1, 200), truth + generator.normal(0, 1, 200)
    values = []
    for _ in range(1500):
        chosen = generator.integers(0, 200, 200)
        values.append(estimate_concordance(ours[chosen], theirs[chosen]).value)
    found = estimate_concordance(ours, theirs)
    assert (found.low, found.high) == pytest.approx(np.quantile(values, (0.025, 0.975)), abs=0.02)


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize(
    ("ours", "theirs", "missing"),
    [
        ([], [], "no_cases"),
        ([1, 2, 3], [1, 2, 3], "too_few"),
        ([0] * 9, [0] * 9, "no_spread"),
        (range(9), [5] * 9, "no_spread"),
        (range(9), range(9), "identical"),
    ],
)
def test_what_cannot_be_computed_says_why(estimate, ours, theirs, missing):
    found = estimate(np.array(ours, dtype=float), np.array(theirs, dtype=float))
    assert found.missing == missing
    assert found.low is None
