"""The page of figures, readings that come in by it, and decisions taken on it."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from scoring.report.common.texts import load
from scp.web.validation.attention import list_notices
from storage.database import audit
from storage.series import states
from storage.validation import decisions, holding, readings

ENGLISH, GERMAN = load("en"), load("de")


def post(client, address, data=None, **files):
    return client.post(address, data=data or {}, **files)


def upload(client, text, action="upload", name="week.csv"):
    return post(
        client, "/validation/readings", {"action": action, "reader": "Dr. A"}, files={"file": (name, text, "text/csv")}
    )


@pytest.fixture
def shadow(new_web):
    return new_web(validation={"shadow": True})


@pytest.fixture
def read(web, receive_scan):
    """A scan with a reader's value; returns its Series Instance UID."""
    uid = receive_scan(web.services)
    assert upload(web.client, f"series_instance_uid,total\n{uid},0\n").status_code == 200
    return uid


def test_an_empty_page_says_what_to_do(web):
    page = web.client.get("/validation")
    assert page.status_code == 200
    assert ENGLISH("validation.no_pairs_advice") in page.text
    assert ENGLISH("validation.open_banner") in page.text
    assert "None" not in page.text


def test_a_reading_shows_every_figure_and_the_case_to_look_at(web, read):
    page = web.client.get("/validation").text
    for key in ("sensitivity", "kappa_linear", "icc_agreement", "lower_roots", "why_false_positive"):
        assert ENGLISH(f"validation.{key}") in page, key
    assert f'href="/review/{read}"' in page
    assert page.count("<svg") == 3
    assert not re.search(r"\bnan\b|style=", page, re.IGNORECASE)


def test_the_page_is_in_the_readers_language(web, read):
    page = web.client.get("/validation", headers={"accept-language": "de"}).text
    assert GERMAN("validation.why_false_positive") in page
    assert "wöchentlich" not in page


def test_a_check_records_nothing_and_tells_each_row(web, receive_scan):
    uid = receive_scan(web.services)
    page = upload(web.client, f"series_instance_uid,total\n{uid},5\n1.9,5\n<script>,5\n", "check")
    assert ENGLISH("validation.would_upload", count=1) in page.text
    assert "1.9 is not here" in page.text
    assert "<script>" not in page.text.replace("<script src", "")
    assert readings.list_readings(web.services.database) == []


def test_what_is_no_table_is_told(web):
    page = upload(web.client, b"\x00\x01")
    assert page.status_code == 422
    assert "no column names the scan" in page.text


def test_a_file_name_is_no_path_and_no_markup(web, receive_scan):
    uid = receive_scan(web.services)
    upload(web.client, f"series_instance_uid,total\n{uid},5\n", name='..\\..\\<img src=x>".csv')
    (source,) = readings.list_sources(web.services.database)
    assert "\\" not in source.source
    assert "<img src=x" not in web.client.get("/validation").text


def test_a_source_is_taken_back(web, read):
    assert post(web.client, "/validation/readings/withdraw", {"source": "week.csv"}).status_code == 303
    assert readings.list_readings(web.services.database) == []
    assert ENGLISH("validation.no_pairs_advice") in web.client.get("/validation").text


def test_the_pdf_is_in_the_readers_language(web, read):
    for language, texts in (("en", ENGLISH), ("de", GERMAN)):
        answer = web.client.get("/validation/coronode-validation.pdf", headers={"accept-language": language})
        assert answer.headers["content-type"] == "application/pdf"
        printed = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages).split())
        assert texts("validation.sensitivity") in printed


def test_going_live_and_back(shadow):
    client, database = shadow.client, shadow.services.database
    assert ENGLISH("validation.held_banner") in client.get("/validation").text
    assert ENGLISH("validation.held_banner") in client.get("/").text
    assert post(client, "/validation/go-live", {"name": "Dr. <b>A</b>", "reason": " "}).status_code == 422
    assert post(client, "/validation/go-live", {"name": "Dr. <b>A</b>", "reason": "kappa 0.9"}).status_code == 303
    assert decisions.is_live(database)
    page = client.get("/validation").text
    assert "decided by Dr. &lt;b&gt;A&lt;/b&gt;." in page
    assert ENGLISH("validation.decision_withdraw_note") in page
    assert ENGLISH("validation.held_banner") not in client.get("/").text
    assert post(client, "/validation/go-live", {"name": "B", "reason": "again"}).status_code == 422
    assert post(client, "/validation/withdraw", {"name": "B", "reason": "new kernel"}).status_code == 303
    assert not decisions.is_live(database)
    assert {event.person for event in audit.list_events(database, kind="go_live")} == {"local"}


def test_where_nothing_is_held_back_nobody_decides(web):
    assert 'action="/validation/go-live"' not in web.client.get("/validation").text
    answer = post(web.client, "/validation/go-live", {"name": "A", "reason": "b"})
    assert answer.status_code == 422
    assert "validation.shadow is false" in answer.text


def test_a_held_result_is_released(shadow, receive_scan):
    uid = receive_scan(shadow.services)
    database = shadow.services.database
    with database.session() as session:
        session.execute(text("UPDATE results SET held = true"))
    assert f'value="{uid}"' in shadow.client.get("/validation").text
    assert ENGLISH("validation.held_state") in shadow.client.get(f"/series/{uid}").text
    assert [notice.urgency for notice in list_notices(shadow.services, ENGLISH)] == ["info"]
    assert states.list_unfinished(database) == []
    assert post(shadow.client, "/validation/release", {"series_instance_uid": uid}).status_code == 303
    assert holding.count_held(database) == 0
    assert [one.series_instance_uid for one in states.list_unfinished(database)] == [uid]
    assert "\ncoronode_shadow 1.0\n" in shadow.client.get("/metrics").text


@pytest.mark.parametrize(
    "address",
    [
        "/validation/readings",
        "/validation/readings/withdraw",
        "/validation/go-live",
        "/validation/withdraw",
        "/validation/release",
    ],
)
def test_a_form_without_the_token_changes_nothing(shadow, address):
    del shadow.client.headers["X-CSRF-Token"]
    answer = shadow.client.post(address, data={"name": "A", "reason": "b", "source": "x"})
    assert answer.status_code == 403
    assert not decisions.is_live(shadow.services.database)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("view", set()),
        ("review", set()),
        ("operate", {"readings/withdraw", "release"}),
        ("administer", {"readings/withdraw", "release", "go-live"}),
    ],
)
def test_each_role_does_what_it_may(shadow, role, allowed):
    client = shadow.sign_in(role)
    for action in ("readings/withdraw", "release", "go-live"):
        answer = client.post(f"/validation/{action}", data={"name": "A", "reason": "b", "source": "x"})
        assert answer.status_code == (303 if action in allowed else 403), action
    assert client.get("/validation").status_code == 200


@pytest.mark.parametrize("path", ["/validation", "/validation/coronode-validation.pdf"])
def test_nobody_from_elsewhere_sees_it(web, path):
    assert web.browser(address="10.0.0.9").get(path).status_code in {303, 401, 403}
