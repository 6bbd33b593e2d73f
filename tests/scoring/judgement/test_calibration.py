"""A site's own weights: read as they were written, refused beyond their limits, used where they fit."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from scoring.judgement.calibration import MOST_CHANGE, MOST_SHIFT, Calibration, find_limits, identify_shipped
from scoring.judgement.hypotheses import load_weights


def changed(reason="pericardium", name="intercept", by=1.0):
    weights = copy.deepcopy(load_weights())
    weights[reason][name] = round(weights[reason][name] + by, 3)
    return Calibration("site-2026-11", weights, 1.2, nets="heart 1")


def test_it_is_read_as_it_was_written():
    made = changed()
    assert Calibration.from_json(made.to_json()) == made
    assert made.label == f"site-2026-11 (sha256 {made.sha256[:12]})"


def test_the_digest_is_of_all_that_affects_a_score():
    made = changed()
    others = [changed(by=0.9), replace(made, sharpness=1.1), replace(made, nets=None), replace(made, basis="0")]
    assert len({made.sha256, *(item.sha256 for item in others)}) == 5
    assert replace(made, name="other").sha256 == made.sha256


@pytest.mark.parametrize("key", ["sharpness", "weights", "nets", "sha256"])
def test_what_was_changed_by_hand_is_refused(key):
    values = json.loads(changed().to_json())
    values[key] = {"sharpness": 1.3, "weights": load_weights(), "nets": "heart 2", "sha256": "0" * 64}[key]
    with pytest.raises(ValueError, match="changed after it was written"):
        Calibration.from_json(json.dumps(values))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": "coronode.score/1"}', '{"schema": "coronode.calibration/1"}']
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Calibration.from_json(text)


@pytest.mark.parametrize(
    ("reason", "name", "by"),
    [
        ("pericardium", "intercept", MOST_SHIFT + 0.01),
        ("pericardium", "outside", MOST_CHANGE + 0.01),
        ("pericardium", "coronary", 0.49),  # it speaks against the hypothesis, whatever the site
        ("off_course", "bright", -MOST_CHANGE - 0.01),
        ("clip", "size", float("nan")),
    ],
)
def test_weights_beyond_their_limits_are_refused(reason, name, by):
    made = changed(reason, name, by)
    if name == "coronary":
        assert find_limits(load_weights()[reason][name], name, -1)[1] == 0.0
        return
    with pytest.raises(ValueError, match=rf"{reason}.{name} is"):
        Calibration.from_json(made.to_json())


@pytest.mark.parametrize("sharpness", [0.4, 2.1, float("nan")])
def test_a_sharpness_beyond_its_limits_is_refused(sharpness):
    with pytest.raises(ValueError, match="sharpness"):
        replace(changed(), sharpness=sharpness).check()


def test_it_suits_the_judgement_and_the_nets_that_it_was_fitted_to():
    made = changed()
    assert made.basis == identify_shipped()
    assert made.suits("heart 1")
    assert not made.suits("heart 2")
    assert not made.suits(None)
    assert not replace(made, basis="earlier").suits("heart 1")


def test_sharpening_keeps_the_decision_and_the_order():
    made, before = changed(), np.array([1e-18, 0.01, 0.3, 0.5, 0.7, 0.99, 1.0])
    after = made.sharpen(before)
    assert after[3] == 0.5
    assert (np.diff(after) > 0).all()
    assert after[4] == pytest.approx(1 / (1 + (0.3 / 0.7) ** 1.2))
    assert replace(made, sharpness=1.0).sharpen(before) is before
