"""Decisions with their figures, and what becomes of them."""

import json
from datetime import timedelta

import pytest

from config.errors import Permanent
from scp.validating import standing
from scp.validating.drifting import watch_drift
from scp.validating.figures import assess_stored
from storage.database import audit
from storage.validation import readings
from storage.validation.readings import Reading


def read(site, uid, total):
    readings.add(site.database, [Reading(uid, "file", "s", "AB", "", total, None, None, None, None, site.now, "")])


def fill(site, month, *, zeros=10, of=30, agree=True):
    """A month of scans, each of them read."""
    for number in range(of):
        uid = f"1.{month}.{number + 1}"
        total = 0.0 if number < zeros else (50.0, 200.0, 900.0)[number % 3]
        site.score(uid, total)
        read(site, uid, total if agree or not total else 1.0)


def go_live(site, **more):
    named = {"name": "Dr. A. Weber", "reason": "good", "person": "weber"} | more
    return standing.go_live(site.installation, assess_stored(site.installation), **named)


def test_a_decision_keeps_the_figures_of_its_moment(site):
    fill(site, 1)
    decision = go_live(site)
    figures = json.loads(decision.figures)
    assert figures["total"]["n"] == 30
    assert figures["baseline"]["zeros"] == {"count": 10, "of": 30}
    assert "worst" not in figures
    assert standing.read_baseline(decision).kappa.value == 1
    found = standing.find_standing(site.installation)
    assert (found.shadow, found.holds_back, found.decision.name) == (True, False, "Dr. A. Weber")
    standing.withdraw(site.installation, name="B", reason="new kernel", person="")
    assert standing.find_standing(site.installation).holds_back
    assert [event.kind for event in audit.list_events(site.database) if event.text.startswith("decided")] == [
        "withdraw",
        "go_live",
    ]


def test_one_may_go_live_without_any_reading_and_the_figures_say_so(site):
    assert json.loads(go_live(site).figures)["total"]["kappa"]["missing"] == "no_cases"


@pytest.mark.parametrize("more", [{"name": " "}, {"reason": ""}, {"name": "x" * 201}, {"reason": "x" * 2001}])
def test_a_decision_has_a_name_and_a_reason(site, more):
    with pytest.raises(Permanent, match="a decision has a"):
        go_live(site, **more)


def test_where_nothing_is_held_back_there_is_nothing_to_decide(site):
    site.shadow = False
    with pytest.raises(Permanent, match=r"validation\.shadow is false"):
        go_live(site)


def test_months_like_those_before_are_no_sign(site):
    fill(site, 1)
    go_live(site)
    for month in (2, 3):
        site.now += timedelta(days=31)
        fill(site, month)
    site.now += timedelta(days=31)
    drift = watch_drift(site.installation)
    assert drift.alarms == ()
    assert [(one.month, one.scored) for one in drift.months] == [("2026-06", 30), ("2026-07", 30), ("2026-08", 30)]


def test_zeros_that_become_frequent_are_a_sign(site):
    fill(site, 1)
    go_live(site)
    site.now += timedelta(days=31)
    fill(site, 2, zeros=30)
    site.now += timedelta(days=31)
    assert [(one.sign, one.month) for one in watch_drift(site.installation).alarms] == [("zeros", "2026-07")]


def test_readers_who_do_not_agree_any_more_are_a_sign(site):
    fill(site, 1)
    go_live(site)
    site.now += timedelta(days=31)
    fill(site, 2, agree=False)
    assert [one.sign for one in watch_drift(site.installation).alarms] == ["kappa"]


def test_a_month_that_is_not_over_is_not_tested(site):
    fill(site, 1)
    go_live(site)
    site.now += timedelta(days=31)
    fill(site, 2, zeros=30)
    assert watch_drift(site.installation).alarms == ()


def test_without_a_decision_there_is_no_alarm(site):
    fill(site, 1)
    assert watch_drift(site.installation).baseline is None
