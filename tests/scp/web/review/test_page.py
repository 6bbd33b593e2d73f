"""The page of a review: whom it shows, and what it lets a script know."""

from __future__ import annotations

import html
import json
import re

import pytest

from storage.database import audit
from storage.series import lifecycle


@pytest.fixture
def series(web, receive_scan) -> str:
    return receive_scan(web.services)


def test_it_names_the_patient_and_what_it_is_not(web, series):
    page = web.client.get(f"/review/{series}")
    assert page.status_code == 200
    assert "<h1>PHANTOM, CORONODE</h1>" in page.text
    assert "RESEARCH USE: not a medical device" in page.text
    assert f'data-series="{series}"' in page.text


def test_a_sites_own_warning_replaces_the_shipped_one(new_web, receive_scan):
    web = new_web(results={"warning_text": "Not <b>validated</b> here"})
    page = web.client.get(f"/review/{receive_scan(web.services)}").text
    assert html.escape("Not <b>validated</b> here") in page
    assert "RESEARCH USE" not in page


def test_the_scripts_get_every_word_in_the_readers_language(web, series):
    page = web.client.get(f"/review/{series}", headers={"Accept-Language": "de"}).text
    words = json.loads(re.search(r'<script type="application/json" id="words">(.*?)</script>', page, re.DOTALL)[1])
    assert words["done_undo"] == "Rückgängig gemacht."
    assert words["slice_of"] == "Schicht {slice} von {slices}"


def test_who_looked_is_in_the_audit_log(web, series):
    web.client.get(f"/review/{series}")
    viewed = audit.list_events(web.services.database, kind="viewed")
    assert [event.series_instance_uid for event in viewed] == [series]


def test_a_series_that_is_not_here_has_no_page(web):
    assert web.client.get("/review/1.2.3").status_code == 404


def test_a_series_without_a_result_says_so(web, series):
    lifecycle.rescore(web.services.database, series, web.services.clock())
    page = web.client.get(f"/review/{series}")
    assert page.status_code == 409
    assert "has no result that could be reviewed" in page.text
