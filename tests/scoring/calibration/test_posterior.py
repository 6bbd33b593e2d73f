"""What a total says of the candidates that make it up."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from scoring.calibration.posterior import LEAST_SD, MOST_OPEN, SPREAD, UNEXPLAINED, expect, surprise
from scoring.calibration.truth import Example, Truth
from tests.scoring.calibration.sites import invent_case


def example(amounts, total, arteries=None, shares=None, labels=None):
    case = replace(invent_case(np.random.default_rng(0), "1.2", len(amounts)), agatston=np.array(amounts, float))
    if shares is not None:
        case = replace(case, arteries=np.array(shares, float))
    return Example(case, Truth(total, arteries or {}, labels), "p")


def enumerate_all(amounts, probability, total):
    """Bayes' rule over every selection, written out."""
    sums, weight = np.zeros(len(amounts)), 0.0
    for chosen in itertools.product((0, 1), repeat=len(amounts)):
        prior = np.prod([p if c else 1 - p for c, p in zip(chosen, probability, strict=True)])
        off = (np.dot(chosen, amounts) - total) / (LEAST_SD + SPREAD * total)
        share = prior * (np.exp(-(off**2) / 2) + UNEXPLAINED)
        sums += share * np.array(chosen)
        weight += share
    return sums / weight, weight


def test_a_review_is_taken_as_it_is():
    labels = np.array([1.0, 0.0, 0.4])
    assert (expect(example([10, 20, 30], 10, labels=labels), np.array([0.1, 0.9, 0.5])) == labels).all()


@pytest.mark.parametrize("total", [0.0, 100.0, 130.0, 30.0, 75.0])
def test_every_selection_is_weighed(total):
    amounts, probability = [100.0, 30.0, 8.0], np.array([0.6, 0.3, 0.5])
    expected, weight = enumerate_all(amounts, probability, total)
    given = example(amounts, total)
    assert expect(given, probability) == pytest.approx(expected, rel=1e-6)
    assert surprise(given, probability, np.ones(3)) == pytest.approx(-np.log(weight), rel=1e-6)


def test_a_total_tells_which_of_two_counts():
    found = expect(example([100, 30], 31), np.array([0.5, 0.5]))
    assert found[0] < 0.02
    assert found[1] > 0.97


def test_arteries_tell_more_than_the_total():
    shares = [[0, 0], [1, 0], [0, 0], [0, 1]]  # the first in the LAD, the second in the RCA
    alone = expect(example([50, 50], 50), np.array([0.5, 0.5]))
    named = {"LM": 0.0, "LAD": 50.0, "LCX": 0.0, "RCA": 0.0}
    both = expect(example([50, 50], 50, named, shares), np.array([0.5, 0.5]))
    assert alone == pytest.approx([0.5, 0.5])
    assert both[0] > 0.97
    assert both[1] < 0.03


def test_a_total_that_nothing_explains_teaches_little():
    probability = np.array([0.3, 0.8])
    assert expect(example([20, 30], 5000), probability) == pytest.approx(probability, abs=0.01)


def test_the_least_doubtful_enter_by_their_mean():
    count = MOST_OPEN + 3
    amounts, probability = [50.0] * MOST_OPEN + [1.0] * 3, np.full(count, 0.5)
    found = expect(example(amounts, 50.0 * MOST_OPEN + 1.5), probability)
    assert (found[:MOST_OPEN] > 0.85).all()
    assert (found[MOST_OPEN:] == 0.5).all()


def test_a_heart_without_candidates():
    nothing = example([], 12.0)
    assert len(expect(nothing, np.zeros(0))) == 0
    assert np.isfinite(surprise(nothing, np.zeros(0), np.zeros(0)))
