"""The whole assessment: detection, strata, worst cases, plans; and what is defined where there is little or nothing."""

import json
import math

import pytest
from scipy import stats

from scoring.result import ARTERIES
from scoring.validation.assessment import LeftOut, assess
from scoring.validation.estimate import Estimate
from scoring.validation.kappa import estimate_kappa
from scoring.validation.pair import Scan
from scoring.validation.sample_size import ASSUMED_SHARES, cases_for_kappa, cases_for_share, model_matrix


def walk(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from walk(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from walk(one)
    else:
        yield value


@pytest.mark.parametrize("totals", [[], [(0, 0)], [(7, 3)], [(0, 0)] * 40, [(50, 40)] * 40, [(5, 0)] * 3, [(0, 500)]])
def test_little_or_nothing_has_defined_answers(make_pair, totals):
    found = assess([make_pair(ours, theirs, number) for number, (ours, theirs) in enumerate(totals)])
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert found.total.n == len(totals)
    assert all(math.isfinite(number) for number in walk(plain) if isinstance(number, float))
    without = [one for one in vars_of_estimates(found.total) if one.low is None or one.value is None]
    assert all(one.missing for one in without)


def vars_of_estimates(agreement):
    return [getattr(agreement, name) for name in agreement.__slots__ if isinstance(getattr(agreement, name), Estimate)]


def test_detection_counts_false_zeros_with_wilsons_interval(make_pair):
    pairs = [
        make_pair(*one, number) for number, one in enumerate([(0, 30)] * 2 + [(40, 35)] * 18 + [(0, 0)] * 9 + [(4, 0)])
    ]
    found = assess(pairs).total.detection
    assert (found.both, found.false_zeros, found.false_positives, found.neither) == (18, 2, 1, 9)
    interval = stats.binomtest(18, 20).proportion_ci(method="wilson")
    assert (found.sensitivity.low, found.sensitivity.high) == pytest.approx((interval.low, interval.high))
    assert found.specificity.value == 0.9


def test_worst_cases_begin_with_false_zeros(make_pair):
    pairs = [
        make_pair(120, 90, 1),
        make_pair(3, 0, 2),
        make_pair(0, 5, 3),
        make_pair(0, 60, 4),
        make_pair(500, 90, 5),
        make_pair(50, 50, 6),
        make_pair(60, 20, 7),
        make_pair(60, 20, 8, ours_range=(10, 60)),
    ]
    found = assess(pairs).worst
    assert [(one.pair.series_instance_uid, one.why) for one in found] == [
        ("1.2.4", "false_zero"),
        ("1.2.3", "false_zero"),
        ("1.2.2", "false_positive"),
        ("1.2.5", "categories"),
        ("1.2.1", "category"),
        ("1.2.7", "outside_range"),
    ]
    assert len(assess(pairs, most_worst=2).worst) == 2


def test_strata_hold_every_pair_and_the_unknown_comes_last(make_pair):
    scanners = ["B", "A", "", "A"]
    pairs = [make_pair(10, 10, number, scan=Scan(scanner=name)) for number, name in enumerate(scanners)]
    found = assess(pairs, by=["scanner"]).strata
    assert [(one.name, one.agreement.n) for one in found] == [("A", 2), ("B", 1), ("", 1)]


def test_arteries_count_where_the_reader_names_them(sixty, make_pair):
    found = assess([*sixty, make_pair(30, 20, 99)]).arteries
    assert [one.artery for one in found] == list(ARTERIES)
    assert {one.n for one in found} == {60}
    theirs = [pair.theirs.arteries["RCA"] > 0 for pair in sixty]
    ours = [pair.ours.arteries["RCA"] > 0 for pair in sixty]
    missed = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    assert found[-1].detection.false_zeros == missed


def test_a_plan_is_kept_by_the_cases_it_asks_for(make_pair):
    """With as many cases as planned, of the same shares, the intervals are as narrow as asked for."""
    needed = cases_for_kappa(0.85, 0.05)
    matrix = (model_matrix(0.85, ASSUMED_SHARES) * needed / 1_000_000).round().astype(int)
    assert estimate_kappa(matrix, "linear").width == pytest.approx(0.05, rel=0.05)
    assert estimate_kappa(model_matrix(0.85, ASSUMED_SHARES), "none").value == pytest.approx(0.85, abs=1e-4)
    cases = cases_for_share(0.9, 0.05)
    interval = stats.binomtest(round(0.9 * cases), cases).proportion_ci(method="wilson")
    assert (interval.high - interval.low) / 2 == pytest.approx(0.05, rel=0.03)


def test_what_was_left_out_is_told(make_pair):
    found = assess([make_pair(1, 1)], [LeftOut("1.2.9", "not_scorable", "contrast")])
    assert [dict(one) for one in found.to_dict()["left_out"]] == [
        {"series_instance_uid": "1.2.9", "why": "not_scorable", "detail": "contrast"}
    ]
    assert found.origins == {"file": 1}
