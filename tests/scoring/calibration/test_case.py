"""A case decides as the engine does, and survives being kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.calibration.case import Case
from scoring.judgement import hypotheses
from scoring.judgement.hypotheses import LEARNT
from scoring.judgement.verdicts import LOOKED_AT
from tests.scoring.calibration.sites import invent_case, shifted

SHIFT = {("pericardium", "intercept"): 1.5, ("off_course", "size"): 0.3}


@pytest.fixture
def case() -> Case:
    return invent_case(np.random.default_rng(3), "1.2.3", 40)


def test_odds_of_all_hypotheses_add_up(case):
    weights = shifted(SHIFT)
    evidence = dict(zip(case.names, case.looks, strict=True))
    fixed = {"at_bone": case.fixed_looks}
    expected, _ = hypotheses.decide(fixed, hypotheses.weigh(evidence, weights))
    # those that place alone makes unlikely are not looked at, and here the look changes nothing
    assert case.judge(weights) == pytest.approx(expected, rel=1e-9)


def test_what_place_excludes_is_not_looked_at(case):
    hidden = replace(case, fixed_places=np.full(40, 5.0))
    assert hidden.judge().max() < LOOKED_AT
    assert case.judge().max() > 0.5


def test_the_look_decides_about_the_others(case):
    spoilt = replace(case, fixed_looks=np.full(40, 6.0))
    first = case.judge()
    assert (spoilt.judge()[first >= LOOKED_AT] < 0.05).all()
    assert (spoilt.judge() == first)[first < LOOKED_AT].all()


def test_sharpness_changes_no_decision(case):
    plain, sharp = case.judge(), case.judge(sharpness=1.7)
    assert ((plain >= 0.5) == (sharp >= 0.5)).all()
    likely = plain > 0.6
    assert (sharp[likely] > plain[likely]).all()


def test_a_case_is_read_as_it_was_written(case):
    again = Case.from_bytes(case.to_bytes())
    assert again.series_instance_uid == "1.2.3"
    assert again.names == case.names
    assert set(again.names) == {name for evidence in LEARNT.values() for name in evidence}
    for name in ("looks", "fixed_places", "agatston", "arteries", "runs", "owner"):
        assert (getattr(again, name) == getattr(case, name)).all(), name


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all"])
def test_anything_else_is_refused(content):
    with pytest.raises(ValueError, match=r"no case|pickle"):
        Case.from_bytes(content)


def test_half_a_file_is_refused(case):
    with pytest.raises(ValueError, match="no case"):
        Case.from_bytes(case.to_bytes()[:300])
