"""Intraclass correlation against the table of Shrout and Fleiss and an analysis of variance written out."""

import numpy as np
import pytest
from scipy import stats

from scoring.validation.icc import estimate_agreement, estimate_consistency

# Shrout and Fleiss 1979, table 2: six targets, four judges
TABLE = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_the_published_example():
    """Table 4 there: ICC(2,1) = .29 and ICC(3,1) = .71."""
    assert estimate_agreement(TABLE).value == pytest.approx(0.29, abs=0.005)
    assert estimate_consistency(TABLE).value == pytest.approx(0.71, abs=0.005)


def analyse(values):
    """Sums of squares term by term, for two readings."""
    n = len(values)
    grand = sum(a + b for a, b in values) / (2 * n)
    targets = sum(2 * ((a + b) / 2 - grand) ** 2 for a, b in values) / (n - 1)
    means = [sum(row[j] for row in values) / n for j in (0, 1)]
    readings = n * sum((mean - grand) ** 2 for mean in means)
    rest = sum((row[j] - sum(row) / 2 - means[j] + grand) ** 2 for row in values for j in (0, 1)) / (n - 1)
    return n, targets, readings, rest


def test_sixty_readings_by_the_formulas_of_mcgraw_and_wong(sixty):
    values = np.array([(pair.theirs.total, pair.ours.total) for pair in sixty])
    n, msr, msc, mse = analyse(values.tolist())
    agreement = (msr - mse) / (msr + mse + 2 * (msc - mse) / n)
    a = 2 * agreement / (n * (1 - agreement))
    b = 1 + a * (n - 1)
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 + (b * mse) ** 2 / (n - 1))
    upper, lower = stats.f(n - 1, v).ppf(0.975), stats.f(v, n - 1).ppf(0.975)
    low = n * (msr - upper * mse) / (upper * (2 * msc + (n - 2) * mse) + n * msr)
    high = n * (lower * msr - mse) / (2 * msc + (n - 2) * mse + n * lower * msr)
    found = estimate_agreement(values)
    assert (found.value, found.low, found.high) == pytest.approx((agreement, low, high), abs=1e-12)
    f, quantile = msr / mse, stats.f(n - 1, n - 1).ppf(0.975)
    consistency = [(ratio - 1) / (ratio + 1) for ratio in (f, f / quantile, f * quantile)]
    found = estimate_consistency(values)
    assert [found.value, found.low, found.high] == pytest.approx(consistency, abs=1e-12)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Simulated readings of a true ICC(2,1) of 0.8 with fixed judges: 95 % of intervals hold it, within chance."""
    generator = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        targets = generator.normal(0, 2, (40, 1))
        found = estimate_consistency(targets + generator.normal(0, 1, (40, 2)))
        hits += found.low <= 0.8 <= found.high
    assert 365 <= hits <= 393


def test_a_constant_difference_lowers_agreement_alone():
    values = np.column_stack([np.arange(20.0), np.arange(20.0) + 10])
    assert estimate_agreement(values).value < 0.5
    assert estimate_consistency(values).missing == "identical"


@pytest.mark.parametrize("estimate", [estimate_agreement, estimate_consistency])
@pytest.mark.parametrize(
    ("values", "value", "missing"),
    [
        (np.zeros((0, 2)), None, "no_cases"),
        (np.ones((1, 2)), None, "too_few"),
        (np.ones((2, 2)), None, "too_few"),
        (np.zeros((30, 2)), None, "no_spread"),
        (np.column_stack([np.arange(9.0), np.arange(9.0)]), 1.0, "identical"),
    ],
)
def test_what_cannot_be_computed_says_why(estimate, values, value, missing):
    found = estimate(values)
    assert (found.value, found.low, found.high, found.missing) == (value, None, None, missing)
