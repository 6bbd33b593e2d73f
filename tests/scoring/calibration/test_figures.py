"""The figures of agreement, against independent computations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scoring.calibration.figures import BETTER, FIGURES, Answer, Comparison, compute_kappa
from scoring.judgement.hypotheses import load_weights
from scoring.validation.kappa import estimate_kappa


def one(number, ours, read, lesions=0, missed=0, false=0, review=True, patient=None):
    return Answer(f"1.{number}", patient or f"p{number}", ours, read, lesions, missed, false, review, 0.1)


ANSWERS = [one(0, 0.0, 9.0, 2, 2), one(1, 100.0, 121.0, 3, 1, 1), one(2, 400.0, 0.0, 0, 0, 4), one(3, 900.0, 900.0, 5)]


def test_values():
    found = Comparison.of(ANSWERS, ANSWERS).before
    assert found["error"].value == pytest.approx((3 + 1 + 20 + 0) / 4)
    assert found["mean_absolute_error"].value == pytest.approx((9 + 21 + 400) / 4)
    assert found["agreement"].value == pytest.approx(1 / 4)
    assert found["sensitivity"].value == pytest.approx(1 - 3 / 10)
    assert found["false_lesions"].value == pytest.approx(5 / 4)
    assert found["brier"].value == pytest.approx(0.1)


def test_kappa_is_that_of_the_validation():
    rng = np.random.default_rng(4)
    for _ in range(20):
        table = rng.integers(0, 12, (4, 4))
        assert compute_kappa(table[None].astype(float))[0] == pytest.approx(estimate_kappa(table, "linear").value)


def test_kappa_of_one_category_is_1():
    assert compute_kappa(np.diag([9.0, 0, 0, 0])[None])[0] == 1.0


def test_the_same_answers_differ_by_nothing():
    found = Comparison.of(ANSWERS, ANSWERS).difference
    assert all((item.value, item.low, item.high) == (0, 0, 0) for item in found.values())


def test_intervals_are_paired_and_hold_the_value():
    rng = np.random.default_rng(1)
    read = np.exp(rng.normal(4, 1.5, 80))
    noise = rng.normal(0, 0.8, 80)
    before = [one(k, float(read[k] * math.exp(noise[k])), float(read[k])) for k in range(80)]
    after = [one(k, float(read[k] * math.exp(0.9 * noise[k])), float(read[k])) for k in range(80)]
    found = Comparison.of(before, after)
    assert found.before["error"].low < found.before["error"].value < found.before["error"].high
    # each error is large, and the difference of every pair has the same sign
    assert found.difference["error"].high < 0


def test_cases_of_one_patient_are_drawn_together():
    alone = [one(k, 0.0, float(100 * (k % 2))) for k in range(20)]
    same = [one(k, 0.0, float(100 * (k % 2)), patient=f"p{k % 2}") for k in range(20)]
    narrow, wide = (Comparison.of(item, item).before["error"] for item in (alone, same))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_what_was_not_read_has_no_figure():
    totals = [one(k, 10.0, 20.0, review=False) for k in range(5)]
    found = Comparison.of(totals, totals).before
    assert math.isnan(found["false_lesions"].value)
    assert found["error"].value > 0


def test_every_figure_has_a_direction():
    assert set(BETTER) == set(FIGURES)


def test_an_answer_counts_what_is_wrong(site):
    example = site(1, count=40)[0]
    counted, labels = example.case.judge() >= 0.5, example.truth.labels >= 0.5
    found = Answer.of(example, None)
    assert (found.missed, found.false) == ((labels & ~counted).sum(), (counted & ~labels).sum())
    assert found.lesions == labels.sum()
    assert found == Answer.of(example, load_weights())
