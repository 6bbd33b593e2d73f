"""Odds: how they add up, that evidence works in the direction it should, and where the fixed limits lie."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.judgement import hypotheses
from scoring.judgement.evidence import gather
from scoring.judgement.features import Features
from scoring.judgement.hypotheses import LEARNT, LIMITS, Reason, decide, exclude, exclude_by_look, load_weights, weigh


def features(count=1, **values):
    """Features of candidates on an artery, away from everything else; what a test names replaces them."""
    usual = dict.fromkeys((field.name for field in fields(Features)), 40.0)
    usual |= {"above_mm": -18.0, "heart_mm": -3.0, "chamber_mm": 5.0, "volume_mm3": 60.0, "length_mm": 5.0}
    usual |= {"root": 0.0, "annulus": 0.0, "doubt": 0.0, "roots_mm3": 0.0, "annuli_mm3": 0.0, "beside": 0.9}
    usual |= {"max_hu": 500.0} | values
    artery = np.reshape(usual.pop("artery") if "artery" in values else [0.0, 0.9, 0.0, 0.0], (4, 1))
    made = {name: np.broadcast_to(np.asarray(value, float), (count,)) for name, value in usual.items()}
    made["artery"] = np.tile(artery, count)
    return Features(**made)


class TestDecide:
    def test_two_even_alternatives_leave_a_third(self):
        probability, likeliest = decide({"at_bone": np.zeros(1)}, {"pericardium": np.zeros(1)})
        assert probability == pytest.approx([1 / 3])
        assert likeliest == ["at_bone"]

    def test_one_hypothesis_in_two_groups(self):
        """Odds of 1 and 2 for the same, against 2.5 for another."""
        probability, likeliest = decide({"clip": np.log([1.0]), "in_lung": np.log([2.5])}, {"clip": np.log([2.0])})
        assert probability == pytest.approx([1 / 6.5])
        assert likeliest == ["clip"]

    @given(st.lists(st.floats(-40, 40), min_size=2, max_size=6), st.floats(0, 5))
    def test_more_odds_never_help(self, values, step):
        names = get_args(Reason)[: len(values)]
        one, _ = decide({name: np.array([value]) for name, value in zip(names, values, strict=True)})
        more, _ = decide({name: np.array([value + step]) for name, value in zip(names, values, strict=True)})
        assert 0 < more[0] <= one[0] <= 1


class TestLimits:
    @pytest.mark.parametrize("rule", LIMITS, ids=lambda rule: f"{rule.feature} {rule.reason}")
    def test_even_at_the_limit_and_e_a_width_beyond(self, rule):
        odds = exclude(
            features(3, **{rule.feature: [rule.limit + rule.width, rule.limit, rule.limit - 2 * rule.width]})
        )
        assert odds[rule.reason] == pytest.approx([-1.0, 0.0, 2.0])

    def test_thickness_and_streaks(self):
        """An artery is not 12 mm thick, nor anything around it 15.5 HU brighter than blood."""
        odds = exclude_by_look(
            np.array([9.0, 12.0]), np.array([8.0, 15.5]), np.array([0.65, 0.8]), np.array([1.8, 0.8])
        )
        assert odds["lung_edge"] == pytest.approx([0.0, 4.0])
        assert odds["in_lung"] == pytest.approx([0.0, 3.0])
        assert odds["too_large"] == pytest.approx([0.0, 3.0])
        assert odds["in_streak"] == pytest.approx([0.0, 3.0])


class TestWeights:
    def test_of_every_hypothesis_and_evidence(self):
        weights = load_weights()
        assert {*weights} == {*LEARNT}
        for reason, names in LEARNT.items():
            assert {*weights[reason]} == {"intercept", *names}

    def test_have_the_signs_they_must_have(self):
        for reason, names in LEARNT.items():
            for name, sign in names.items():
                assert load_weights()[reason][name] * sign >= 0, (reason, name)

    def test_are_linear(self):
        weights = {reason: {"intercept": 1.0, **dict.fromkeys(names, 0.0)} for reason, names in LEARNT.items()}
        weights["clip"]["bright"] = 2.0
        odds = weigh(gather(features(2, max_hu=[400.0, 400.0 * np.e]), [None, None], 40.0), weights)
        assert odds["clip"] == pytest.approx([1.0, 3.0])
        assert odds["pericardium"] == pytest.approx([1.0, 1.0])

    @pytest.mark.parametrize("reason", LEARNT)
    def test_an_artery_beside_speaks_against_every_other(self, reason):
        near = features(2, beside=[0.001, 0.999], artery=[0.0, 0.5, 0.0, 0.0])
        odds = weigh(gather(near, [None, None], 40.0))[reason]
        assert odds[1] <= odds[0]


@given(
    st.floats(0, 1), st.floats(0, 1), st.floats(-100, 100), st.floats(1, 1e6), st.floats(0, 1e5), st.floats(130, 4000)
)
def test_no_evidence_is_without_bounds(probability, doubt, mm, mm3, others, hu):
    given_features = features(
        artery=[0.0, probability, 0.0, 0.0],
        beside=probability,
        root=probability,
        annulus=probability,
        doubt=doubt,
        heart_mm=mm,
        ascending_mm=mm,
        root_mm=mm,
        hinge_mm=mm,
        chamber_mm=mm,
        volume_mm3=mm3,
        roots_mm3=others,
        annuli_mm3=others,
        max_hu=hu,
    )
    for name, value in gather(given_features, [None], 40.0).items():
        assert np.isfinite(value).all()
        assert abs(value[0]) <= 6.0 + 0.1, name


def test_nets_that_disagree_draw_the_evidence_towards_nothing():
    found = gather(features(3, doubt=[0.0, 0.5, 1.0]), [None] * 3, 40.0)
    assert found["coronary"] == pytest.approx(np.log(9) * np.array([1, 0.5, 0]))


def test_a_reason_has_no_two_forms():
    assert len({*get_args(Reason)}) == len(get_args(Reason))
    assert {*LEARNT} <= {*get_args(Reason)}
    assert {rule.reason for rule in LIMITS} <= {*get_args(Reason)}
    assert hypotheses.NOISE in get_args(Reason)
