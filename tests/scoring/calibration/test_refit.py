"""What a refit tells: gain where there is one, none where there is none, and harm before anything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.calibration.figures import Answer
from scoring.calibration.fit import Fitter
from scoring.calibration.holdout import FIXED, PULLS, hold_out
from scoring.calibration.refit import FEWEST_PATIENTS, TooFew, Trial, conclude, refit
from scoring.judgement.hypotheses import load_weights

MANY = {("pericardium", "intercept"): 2.0, ("lymph_node", "intercept"): 2.0, ("off_course", "intercept"): 2.0}


def answers(pairs):
    """Cases of (score, reader's score), a patient each."""
    return [
        Answer(f"1.{number}", f"p{number}", float(ours), float(read), 0, 0, 0, is_review=False, confidence_loss=0.0)
        for number, (ours, read) in enumerate(pairs)
    ]


def trial(before, after, read):
    return Trial.of(answers(zip(before, read, strict=True)), answers(zip(after, read, strict=True)))


READ = [0, 0, 0, 50, 150, 250, 500, 900, 0, 20] * 4
OFF = [40, 40, 40, 120, 240, 380, 700, 1200, 40, 110] * 4
SAME = trial(READ, READ, READ)


def test_a_site_like_the_shipped_patients_gains_nothing(site):
    told = []
    proposal = refit(site(40), site(10, seed=5), "site-a", lambda done, of: told.append((done, of)))
    assert proposal.finding == "no_gain"
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] <= told[-1][1]


def test_a_site_with_other_frequencies_is_predicted_better(site):
    found = hold_out(Fitter(site(60, MANY)))
    assert found.pull < FIXED
    assert found.losses[found.pull] == min(found.losses.values()) < 0.95 * found.losses[FIXED]
    assert set(found.losses) == {*PULLS, FIXED}
    assert found.final["off_course"]["intercept"] > load_weights()["off_course"]["intercept"]


def test_the_same_cases_give_the_same_calibration(site):
    one, other = (refit(site(30, MANY), site(5), "x") for _ in range(2))
    assert one.calibration.sha256 == other.calibration.sha256
    assert one.held_out.after == other.held_out.after


def test_limits_hold_whatever_the_site(site):
    refit(site(30, {("off_course", "intercept"): 9.0}), site(5), "x").calibration.check()


def test_too_few_patients_are_refused(site):
    few = site(FEWEST_PATIENTS)
    few[1] = replace(few[1], patient=few[0].patient)
    with pytest.raises(TooFew, match="29 patients"):
        refit(few, site(5), "x")


def test_too_few_with_calcium_are_refused(site):
    none = [
        replace(item, truth=replace(item.truth, total=0.0, labels=np.zeros(8))) if number > 8 else item
        for number, item in enumerate(site(40))
    ]
    with pytest.raises(TooFew, match="needed are 30 and 10"):
        refit(none, site(5), "x")


def test_cases_of_different_nets_are_not_mixed(site):
    mixed = site(30)
    mixed[3] = replace(mixed[3], case=replace(mixed[3].case, nets="net 2"))
    with pytest.raises(ValueError, match="net 1, net 2"):
        refit(mixed, site(5), "x")


class TestFinding:
    def test_better(self):
        assert conclude(trial(OFF, READ, READ), SAME, is_shipped=False) == ("better", ("error_falls",))

    def test_worse(self):
        finding, grounds = conclude(trial(READ, OFF, READ), SAME, is_shipped=False)
        assert finding == "worse"
        assert grounds[0] == "error_rises"

    def test_one_patient_better_may_be_chance(self):
        one = [OFF[0], *READ[1:]]
        assert conclude(trial(one, READ, READ), SAME, is_shipped=False) == ("no_gain", ("error_same",))

    def test_the_shipped_weights_predict_best(self):
        assert conclude(SAME, SAME, is_shipped=True) == ("no_gain", ("shipped_predict_best",))

    def test_a_new_false_zero_is_harm_whatever_the_gain(self):
        hidden = [*READ[:3], 0, *READ[4:]]
        found = trial(OFF, hidden, READ)
        assert conclude(found, SAME, is_shipped=False) == ("worse", ("false_zeros",))
        assert found.reclassified[0][1].series_instance_uid == found.new_false_zeros[0].series_instance_uid == "1.3"

    def test_a_false_zero_lifted_for_one_made_is_none(self):
        lifted = [*OFF[:3], 0, *OFF[4:]]
        made = [*READ[:9], 0, *READ[10:]]
        assert conclude(trial(lifted, made, READ), SAME, is_shipped=False)[0] == "better"

    def test_a_false_zero_among_the_phantoms_is_harm(self):
        phantoms = trial(READ, [*READ[:9], 0, *READ[10:]], READ)
        assert conclude(trial(OFF, READ, READ), phantoms, is_shipped=False) == ("worse", ("phantoms_false_zeros",))

    def test_phantoms_scored_worse_are_told(self):
        finding, grounds = conclude(trial(OFF, READ, READ), trial(READ, OFF, READ), is_shipped=False)
        assert (finding, grounds) == ("better", ("error_falls", "phantoms_worse"))
