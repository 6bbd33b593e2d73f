"""The fit finds what a site's readings say, and stays near the shipped weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.calibration.fit import MOST, Fitter
from scoring.calibration.posterior import surprise
from scoring.calibration.truth import Truth
from scoring.judgement.calibration import MOST_CHANGE, MOST_SHIFT, Calibration
from scoring.judgement.hypotheses import LEARNT, load_weights

MANY = {("pericardium", "intercept"): 2.0, ("lymph_node", "intercept"): 2.0, ("off_course", "intercept"): 2.0}


def objective(fitter, vector, pull):
    """Minus the logarithm of the posterior of reviews, written out from the formula of the module."""
    weights, sharpness = dict(zip(fitter.layout.keys, vector[:-1], strict=True)), np.exp(vector[-1])
    value = 0.0
    for example in fitter.stack.examples:
        evidence = dict(zip(example.case.names, example.case.looks, strict=True))
        odds = np.exp(example.case.fixed_looks)
        for reason, names in LEARNT.items():
            logit = weights[reason, "intercept"] + sum(weights[reason, name] * evidence[name] for name in names)
            odds = odds + np.exp(logit)
        p, y = 1 / (1 + odds**sharpness), example.truth.labels
        c = y * min(1, MOST / max(y.sum(), 1e-9)) + (1 - y) * min(1, MOST / max((1 - y).sum(), 1e-9))
        value -= float(c @ (y * np.log(p) + (1 - y) * np.log(1 - p)))
    away = (vector - fitter.layout.shipped) / fitter.layout.scale
    return value + pull * float(away @ away)


def test_the_best_weights_are_found(site):
    fitter = Fitter(site(25, MANY))
    best = fitter.fit(3.0)
    least = objective(fitter, best, 3.0)
    assert least < objective(fitter, fitter.layout.shipped, 3.0) - 5
    rng = np.random.default_rng(1)
    for _ in range(40):
        near = np.clip(best + rng.normal(0, 0.03, len(best)), fitter.layout.low, fitter.layout.high)
        assert objective(fitter, near, 3.0) > least - 0.02


@pytest.mark.parametrize("totals", [False, True])
def test_what_is_frequent_at_a_site_becomes_likelier(site, totals):
    fitter = Fitter(site(80, MANY, totals=totals))
    weights = fitter.layout.to_weights(fitter.fit(10.0))
    others = site(40, MANY, seed=7)
    before, after = (
        sum(surprise(item, item.case.judge(of), np.ones(8)) for item in others) for of in (load_weights(), weights)
    )
    assert sum(weights[reason][name] - load_weights()[reason][name] for reason, name in MANY) > 0.2
    assert after < 0.98 * before


def test_the_pull_holds_the_weights(site):
    fitter = Fitter(site(25, MANY))
    away = [float(np.abs(fitter.fit(pull) - fitter.layout.shipped).max()) for pull in (1.0, 10.0, 100.0, 1e6)]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 1e-3


def test_signs_and_limits_are_kept(site):
    fitter = Fitter(site(40, {("off_course", "intercept"): 6.0, ("pericardium", "outside"): -3.0}))
    weights = fitter.layout.to_weights(fitter.fit(0.01))
    Calibration("x", weights).check()
    for reason, evidence in LEARNT.items():
        for name, sign in evidence.items():
            assert weights[reason][name] * sign >= 0
            assert abs(weights[reason][name] - load_weights()[reason][name]) <= MOST_CHANGE + 1e-9
        assert abs(weights[reason]["intercept"] - load_weights()[reason]["intercept"]) <= MOST_SHIFT + 1e-9


def test_who_is_left_out_teaches_nothing(site):
    examples = site(12, MANY)
    turned = [
        replace(item, truth=Truth(9.0, {}, 1 - item.truth.labels)) if number == 4 else item
        for number, item in enumerate(examples)
    ]
    one, other = Fitter(examples).fit(3.0, left_out=4), Fitter(turned).fit(3.0, left_out=4)
    assert one == pytest.approx(other, abs=1e-9)
    assert np.abs(Fitter(examples).fit(3.0) - Fitter(turned).fit(3.0)).max() > 0.01


def test_two_series_of_one_patient_are_left_out_together(site):
    examples = site(6)
    examples[5] = replace(examples[5], patient=examples[0].patient)
    fitter = Fitter(examples)
    assert fitter.patients == 5
    assert fitter.numbers[5] == fitter.numbers[0]
    kept = [item for item in examples if item.patient != examples[0].patient]
    assert fitter.fit(3.0, left_out=fitter.numbers[0]) == pytest.approx(Fitter(kept).fit(3.0), abs=1e-6)


def test_a_hundred_alike_count_as_ten(site):
    fitter = Fitter(site(2, count=400))
    answer = fitter.expect(fitter.layout.shipped)
    counts = fitter.count(answer)
    for patient in (0, 1):
        own = fitter.stack.patient == patient
        assert (counts * answer)[own].sum() == pytest.approx(MOST)
        assert (counts * (1 - answer))[own].sum() == pytest.approx(MOST)
