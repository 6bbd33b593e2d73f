"""What needs a person: each trouble is told with its advice, the most urgent first, and nothing when all is well."""

from __future__ import annotations

import re
from datetime import timedelta

from scoring.report.common.texts import load
from scp.web.overview.attention import list_matters
from storage.database import audit
from storage.outbox import outcomes, pauses
from storage.series import lifecycle, refusals
from storage.series.refusals import Refusal

ENGLISH = load("en")


def list_titles(scanned):
    return [matter.title for matter in list_matters(scanned.services, ENGLISH)]


def test_all_is_well(scanned):
    assert list_titles(scanned) == []
    assert "All is well" in scanned.client.get("/attention").text


def test_it_says_since_when_all_is_well(scanned):
    audit.record(scanned.database, scanned.now - timedelta(days=2), "quarantined", "other_bytes")
    assert "Object put into quarantine" in scanned.client.get("/attention").text


def test_a_dead_node_comes_first(scanned):
    pauses.pause(scanned.database, "PACS", scanned.now)
    scanned.web.node.answers.clear()
    assert list_titles(scanned)[0] == "The node does not answer"


def test_destinations_that_take_nothing_and_what_was_given_up(scanned):
    waiting, dead = scanned.owe(uid="1.2.9.1"), scanned.owe(uid="1.2.9.2")
    outcomes.mark_failed(scanned.database, waiting, scanned.now, error="refused", retry_at=scanned.now)
    outcomes.mark_dead(scanned.database, dead, scanned.now, error="refused")
    silent, given_up = list_titles(scanned)
    assert silent.startswith("PACS takes no documents")
    assert given_up == "1 document was given up for PACS"
    page = scanned.client.get("/attention").text
    assert 'action="/outbox/retry-all"' in page


def test_a_paused_destination_is_not_called_silent(scanned):
    number = scanned.owe()
    outcomes.mark_failed(scanned.database, number, scanned.now, error="refused", retry_at=scanned.now)
    pauses.pause(scanned.database, "PACS", scanned.now, person="meier")
    (title,) = list_titles(scanned)
    assert title.startswith("PACS is paused since")


def test_reasons_are_counted_but_not_those_that_nobody_wonders_about(scanned, scan):
    def refuse(code):
        lifecycle.rescore(scanned.database, scanned.series, scanned.now)
        version = lifecycle.complete(scanned.database, scanned.series, scanned.now, expected=scan.score.series.slices)
        lifecycle.finish(
            scanned.database, scanned.series, version, "", "not_scorable", now=scanned.now, reason_code=code
        )

    refuse("localizer")
    assert list_titles(scanned) == []
    refuse("contrast")
    assert list_titles(scanned) == ["Not scorable: contrast medium (1 series this week)"]
    refuse("crashed")
    (matter,) = list_matters(scanned.services, ENGLISH)
    assert (matter.urgency, matter.link) == ("bad", "/?state=not_scorable&reason=crashed")
    assert re.findall(r'href="(/series/[^"]*)"', scanned.client.get(matter.link).text)


def test_refused_images_and_series_that_wait_long(scanned):
    refusals.note(scanned.database, Refusal(scanned.series, "1.2.77", "CT1", "no room"), scanned.now)
    refused, waiting = list_titles(scanned) + [""] * (2 - len(list_titles(scanned)))
    assert refused == "1 images of 1 series were refused at receipt this week"
    assert waiting == ""


def test_a_disk_below_the_reserve(new_web):
    web = new_web(node={"reserve_mb": 10**9})
    assert "nothing more is received" in web.client.get("/attention").text


def test_nobody_configured(web):
    page = web.client.get("/attention").text
    assert "Nobody may send to this node" in page
    assert "results.destinations" in page
