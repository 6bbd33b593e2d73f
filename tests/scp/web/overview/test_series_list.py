"""The list of series: what it shows, how it is narrowed down, and what never stands in its address."""

from __future__ import annotations

import html
import re

import pytest

from storage.database import audit
from storage.series import lifecycle


def list_rows(text: str) -> list[str]:
    return re.findall(r'href="/series/([0-9.]+)"', text)


def test_a_scored_series_is_listed_with_patient_score_and_category(scanned, scan):
    page = scanned.client.get("/")
    assert page.status_code == 200
    assert list_rows(page.text) == [scanned.series]
    assert f"{scan.score.agatston.total:.0f}" in page.text
    assert f'data-category="{html.escape(scan.score.category)}"' in page.text


def test_an_empty_node_says_what_to_do(web):
    assert "No series has arrived yet" in web.client.get("/").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "scored"}, 1),
        ({"state": "with_score"}, 1),
        ({"state": "not_scorable"}, 0),
        ({"category": "0"}, 0),
        ({"sender": "NOBODY"}, 0),
        ({"date_from": "2100-01-01"}, 0),
        ({"since": "2026-03-01"}, 1),
        ({"since": "2026-03-03"}, 0),
        ({"state": "no such state", "page": "x", "sort": "DROP TABLE"}, 1),
    ],
)
def test_filters_stand_in_the_address(scanned, query, found):
    assert len(list_rows(scanned.client.get("/", params=query).text)) == found


def test_words_are_searched_by_a_form_and_never_stand_in_an_address(scanned):
    page = scanned.client.post("/search", data={"q": "nobody of this name"})
    assert page.status_code == 200
    assert "No series fits these filters" in page.text
    part = scanned.client.post("/search", data={"q": "secret", "state": "scored"}, headers={"HX-Request": "true"})
    assert part.headers["hx-replace-url"] == "/?state=scored"
    # whoever writes words into the address finds nothing by them
    assert list_rows(scanned.client.get("/", params={"q": "nobody"}).text) == [scanned.series]


def test_a_uid_finds_its_series(scanned):
    page = scanned.client.post("/search", data={"q": scanned.series})
    assert list_rows(page.text) == [scanned.series]


def test_a_form_without_words_leads_to_an_address_to_share(scanned):
    answer = scanned.client.post("/search", data={"state": "scored", "page": "2", "order": "-score"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?state=scored&sort=-score&page=2"


def test_a_script_gets_the_rows_alone(scanned):
    part = scanned.client.post("/search", data={}, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert list_rows(part.text) == [scanned.series]


def test_lists_that_a_person_asked_for_are_in_the_audit_log(scanned):
    scanned.client.get("/")
    scanned.client.post("/search", data={"live": "1"}, headers={"HX-Request": "true"})
    events = audit.list_events(scanned.database, kind="listed")
    assert [(event.text, event.person) for event in events] == [("1 series", "local")]


def test_a_reason_is_worded_in_the_readers_language(scanned, scan):
    database, now = scanned.database, scanned.now
    lifecycle.rescore(database, scanned.series, now)
    version = lifecycle.complete(database, scanned.series, now, expected=scan.score.series.slices)
    assert lifecycle.start_scoring(database, scanned.series, version, now)
    lifecycle.finish(
        database,
        scanned.series,
        version,
        "",
        "not_scorable",
        now=now,
        reason_code="thickness",
        reason="7 mm slices",
        reason_values={"variant": "thick", "thickness_mm": 7.5, "limit_mm": 5.0},
    )
    page = scanned.client.get("/", headers={"Accept-Language": "de"}).text
    assert "nicht auswertbar" in page
    assert "7,5 mm" in page
    assert "thicker than" in scanned.client.get("/").text


def test_the_score_of_a_series_that_is_scored_again_is_no_longer_listed(scanned, scan):
    lifecycle.rescore(scanned.database, scanned.series, scanned.now)
    page = scanned.client.get("/").text
    assert f'data-category="{html.escape(scan.score.category)}"' not in page
