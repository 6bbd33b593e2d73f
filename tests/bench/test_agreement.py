"""The statistics, against hand calculation."""

from __future__ import annotations

import math

import pytest


@pytest.fixture
def agreement(part):
    return part("agreement")


def test_kappa(agreement) -> None:
    # one step apart in four pairs: 1/4. By chance (rows 1 1 1 1, columns 1 2 0 1): (5 + 3 + 5 + 7) / 16 = 5/4.
    assert agreement.weighted_kappa([(0, 0), (1, 1), (2, 1), (3, 3)]) == pytest.approx(0.8)
    # always three steps apart: 3; by chance (2 * 1 * 3 + ...) / 4: rows 1 0 0 1, columns 1 0 0 1: (3 + 3) / 4 = 3/2
    assert agreement.weighted_kappa([(0, 3), (3, 0)]) == pytest.approx(-1.0)
    assert agreement.weighted_kappa([(0, 0), (3, 3)]) == 1.0


def test_kappa_needs_two_levels(agreement) -> None:
    assert math.isnan(agreement.weighted_kappa([(2, 2), (2, 2)]))
    assert math.isnan(agreement.weighted_kappa([]))


def test_icc_sees_an_offset(agreement) -> None:
    # between scans 2, between raters 3 * 1/2 = 3/2, rest 0: 2 / (2 + 2 * 3/2 / 3) = 2/3
    assert agreement.icc([(1, 2), (2, 3), (3, 4)]) == pytest.approx(2 / 3)


def test_icc_of_chance_is_zero(agreement) -> None:
    # means 0, 1, 2: between 2; raters equal: 0; rest (1 + 1 + 1 + 1) / 2 = 2: 0 / (2 + 2 - 4/3)
    assert agreement.icc([(0, 0), (2, 0), (1, 3)]) == pytest.approx(0.0)


def test_icc_of_equal_readings_is_one(agreement) -> None:
    assert agreement.icc([(0, 0), (7, 7), (100, 100)]) == pytest.approx(1.0)
    assert math.isnan(agreement.icc([(1, 1)]))
    assert math.isnan(agreement.icc([(1, 1), (1, 1)]))


def test_bland_altman(agreement) -> None:
    limits = agreement.bland_altman([(10, 11), (20, 22), (30, 33)])
    assert (limits.bias, limits.sd) == (2.0, 1.0)
    assert (limits.low, limits.high) == pytest.approx((0.04, 3.96))


def test_bland_altman_of_one_pair_has_no_limits(agreement) -> None:
    limits = agreement.bland_altman([(5, 3)])
    assert limits.bias == -2
    assert math.isnan(limits.low)


@pytest.mark.parametrize(
    ("values", "share", "expected"), [([4, 1, 3, 2], 0.5, 2.5), ([0, 10], 0.95, 9.5), ([7], 0.95, 7), ([1, 2], 1.0, 2)]
)
def test_quantile(agreement, values, share, expected) -> None:
    assert agreement.quantile(values, share) == pytest.approx(expected)


def test_nothing_has_no_mean_and_no_quantile(agreement) -> None:
    assert math.isnan(agreement.mean([]))
    assert math.isnan(agreement.quantile([], 0.5))
    assert math.isnan(agreement.deviation([1.0]))


def test_wilson(agreement) -> None:
    square = 1.96**2
    low, high = agreement.wilson(0, 10)
    assert low == pytest.approx(0.0)
    assert high == pytest.approx(square / (10 + square))
    # 5 of 10: symmetric about 1/2, half width 1.96 * sqrt(1/40 + 1.96^2/400) / (1 + 1.96^2/10)
    low, high = agreement.wilson(5, 10)
    assert low + high == pytest.approx(1.0)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.025 + square / 400) / (1 + square / 10))
    assert all(math.isnan(end) for end in agreement.wilson(0, 0))


def test_bins_hold_their_lower_end_and_the_last_one_also_1(agreement) -> None:
    parts = agreement.bins([(0.0, False), (0.1, True), (0.3, True), (0.7, False), (0.999, True), (1.0, True)])
    assert [part.count for part in parts] == [1, 1, 0, 1, 0, 0, 0, 1, 0, 2]
    assert [part.true for part in parts] == [0, 1, 0, 1, 0, 0, 0, 0, 0, 2]
    assert (parts[3].low, parts[3].high) == (0.3, 0.4)
    assert parts[9].confidence == pytest.approx(0.9995)
    assert parts[7].share == 0.0
    assert math.isnan(parts[2].share)


def test_calibration_error(agreement) -> None:
    # bin 0.2: mean 0.245, share 1/2, two of four; bin 0.9: mean 0.9, share 1, two of four: (2 * 0.255 + 2 * 0.1) / 4
    judged = [(0.2, True), (0.29, False), (0.9, True), (0.9, True)]
    assert agreement.calibration_error(agreement.bins(judged)) == pytest.approx((2 * 0.255 + 2 * 0.1) / 4)
    assert math.isnan(agreement.calibration_error(agreement.bins([])))


def test_brier(agreement) -> None:
    assert agreement.brier([(1.0, True), (0.5, False), (0.2, True)]) == pytest.approx((0 + 0.25 + 0.64) / 3)
