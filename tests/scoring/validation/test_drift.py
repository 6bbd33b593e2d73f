"""Signs of drift: found where there is one, and hardly ever where there is none."""

import numpy as np
import pytest
from scipy import stats

from scoring.validation.drift import Baseline, Share, Traffic, compare_shares, find_alarms
from scoring.validation.estimate import Estimate

KAPPA = Estimate(0.9, 0.85, 0.95, 120)
BASELINE = Baseline(KAPPA, Share(40, 100), Share(3, 103))


def month(number, zeros, scored=100, refused=3, scanner="A"):
    return Traffic(f"2026-{number:02}", scanner, scored, zeros, refused)


def test_agreement_that_lies_below_is_a_sign():
    worse, same = Estimate(0.7, 0.6, 0.8, 60), Estimate(0.8, 0.7, 0.9, 60)
    assert [one.sign for one in find_alarms(BASELINE, [], worse)] == ["kappa"]
    assert find_alarms(BASELINE, [], same) == ()
    assert find_alarms(BASELINE, [], Estimate(None, None, None, 0, "no_cases")) == ()


def test_a_shift_of_zeros_and_of_refusals_is_a_sign():
    found = find_alarms(BASELINE, [month(1, 40), month(2, 12)], KAPPA)
    assert [(one.sign, one.month) for one in found] == [("zeros", "2026-02")]
    found = find_alarms(BASELINE, [month(1, 40, refused=40)], KAPPA)
    assert [one.sign for one in found] == ["not_scorable"]


def test_the_test_is_fishers():
    assert compare_shares(Share(3, 10), Share(9, 12)) == pytest.approx(stats.fisher_exact([[3, 7], [9, 3]]).pvalue)
    assert compare_shares(Share(0, 0), Share(9, 12)) is None


def test_looking_every_month_finds_nothing_where_nothing_changed():
    """36 months of the same share, 60 times: a plain test at 0.05 would alarm in most of them."""
    generator = np.random.default_rng(1)
    alarms = plain = 0
    for _ in range(60):
        baseline = Baseline(KAPPA, Share(int(generator.binomial(300, 0.4)), 300), Share(0, 0))
        counts = generator.binomial(100, 0.4, 36)
        traffic = [Traffic(f"{number:04}", "A", 100, int(zeros), 0) for number, zeros in enumerate(counts)]
        alarms += bool(find_alarms(baseline, traffic, KAPPA))
        plain += any((compare_shares(baseline.zeros, Share(int(zeros), 100)) or 1) < 0.05 for zeros in counts)
    assert alarms <= 6
    assert plain > 25


def test_one_of_several_scanners_is_compared_with_itself():
    before = [month(1, 60, scanner="A"), month(1, 20, scanner="B")]
    after = [month(2, 60, scanner="A"), month(2, 60, scanner="B")]
    found = find_alarms(Baseline(KAPPA, Share(80, 200), Share(6, 206)), after, KAPPA, before=before)
    assert ("B", "zeros") in {(one.scanner, one.sign) for one in found}
    assert "A" not in {one.scanner for one in found}
