"""Weights from candidates whose truth is known."""

import tomllib

import numpy as np
import pytest

from scoring.judgement import hypotheses
from scoring.judgement.hypotheses import LEARNT
from training import odds
from training.lookalikes import COPIES, CORONARY, Taught

NAMES = sorted({name for names in LEARNT.values() for name in names})


def taught(kinds, seed=0, **given):
    """Candidates with the evidence that is given, an array each; all other evidence is noise."""
    rng = np.random.default_rng(seed)
    evidence = rng.normal(0, 0.3, (COPIES, len(NAMES), len(kinds)))
    for name, values in given.items():
        evidence[:, NAMES.index(name)] = values
    return Taught(np.array(kinds), np.full(len(kinds), 10.0), evidence, np.array(NAMES))


def patients():
    """Forty, each with a coronary calcification and one of the annulus; only the nets' word tells them apart."""
    return [taught([CORONARY, "mitral_annulus"], seed, annulus=[-3.0, 3.0], coronary=[3.0, -3.0]) for seed in range(40)]


def probability(weights, **given):
    evidence = {name: np.array([given.get(name, 0.0)]) for name in NAMES}
    return float(hypotheses.decide(hypotheses.weigh(evidence, weights))[0][0])


def test_what_tells_kinds_apart_is_learnt():
    weights = odds.fit(patients())
    assert probability(weights, annulus=-3.0, coronary=3.0) > 0.8
    assert probability(weights, annulus=3.0, coronary=-3.0) < 0.2
    assert weights["mitral_annulus"]["annulus"] > 0.1


def test_every_weight_has_its_sign_even_against_the_data():
    """Patients in whom thick calcium is coronary: thickness never speaks against the annulus."""
    against = [taught([CORONARY, "mitral_annulus"], seed, thick=[4.0, 0.0]) for seed in range(20)]
    weights = odds.fit(against)
    for reason, names in LEARNT.items():
        for name, sign in names.items():
            assert weights[reason][name] * sign >= 0
    assert weights["mitral_annulus"]["thick"] == 0


def test_a_hypothesis_without_candidates_is_unlikely():
    weights = odds.fit(patients())
    assert weights["clip"]["intercept"] < -2


def test_a_hundred_alike_in_one_patient_weigh_as_ten():
    kinds = np.array([CORONARY] * 3 + ["off_course"] * 100)
    weight = odds._weigh_alike(kinds)
    assert weight[:3].tolist() == [1.0, 1.0, 1.0]
    assert weight[3:].sum() == pytest.approx(odds.MOST)


def test_what_is_rarer_in_usual_patients_has_smaller_odds():
    weights = odds.fit(patients())
    corrected = odds.correct(weights, {"mitral_annulus": 0.25})
    assert corrected["clip"] == weights["clip"]
    evidence = {name: np.zeros(1) for name in NAMES}
    before, after = (hypotheses.weigh(evidence, of)["mitral_annulus"][0] for of in (weights, corrected))
    assert after - before == pytest.approx(np.log(0.25))


def test_patients_with_nothing_to_learn_from_do_no_harm():
    assert odds.fit([*patients(), Taught.nothing()]) == odds.fit(patients())


def test_written_as_they_are_read(tmp_path):
    weights = odds.fit(patients())
    odds.write(weights, tmp_path / "weights.toml", "made by a test")
    text = (tmp_path / "weights.toml").read_text()
    assert text.startswith("# made by a test\n")
    read = tomllib.loads(text)
    assert {*read} == {*LEARNT}
    for reason, of in weights.items():
        assert read[reason] == pytest.approx(of, abs=5e-4)


def test_the_table_counts_what_is_taken_for_coronary():
    rows = odds.describe(patients(), odds.fit(patients())).splitlines()
    assert f"| {CORONARY} | 40 | 40 | 400 |" in rows
    assert "| mitral_annulus | 40 | 0 | 0 |" in rows
