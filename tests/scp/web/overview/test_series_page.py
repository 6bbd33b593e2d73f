"""The page of one series, and what an operator does there."""

from __future__ import annotations

from storage.database import audit
from storage.outbox import deliveries, outcomes
from storage.series import states


def test_it_shows_the_result_by_artery_and_is_in_the_audit_log(scanned, scan):
    page = scanned.client.get(f"/series/{scanned.series}")
    assert page.status_code == 200
    for artery in ("LM", "LAD", "LCX", "RCA"):
        assert f"{scan.score.agatston.of(artery):.1f}" in page.text
    (event,) = audit.list_events(scanned.database, kind="viewed")
    assert (event.series_instance_uid, event.person) == (scanned.series, "local")


def test_a_series_that_is_not_here_is_not_found(web):
    assert web.client.get("/series/1.2.3").status_code == 404
    assert web.client.post("/series/1.2.3/rescore").status_code == 404


def test_an_operator_has_it_scored_again(scanned):
    answer = scanned.client.post(f"/series/{scanned.series}/rescore")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/series/{scanned.series}")
    assert states.get(scanned.database, scanned.series).state == "receiving"
    (event,) = audit.list_events(scanned.database, kind="rescore")
    assert event.person == "local"
    # the result of before stays readable
    page = scanned.client.get(f"/series/{scanned.series}").text
    assert "result of an earlier version" in page


def test_an_operator_sends_dead_documents_again(scanned):
    database, now, number = scanned.database, scanned.now, scanned.owe()
    outcomes.mark_dead(database, number, now, error="<b>refused</b>")
    page = scanned.client.get(f"/series/{scanned.series}").text
    assert "&lt;b&gt;refused" in page
    assert "/retry" in page
    scanned.client.post(f"/series/{scanned.series}/retry")
    assert deliveries.get(database, number).state == "pending"
    assert audit.list_events(database, kind="delivery-pending")[0].person == "local"


def test_nothing_rejected_cannot_be_taken_back(scanned):
    answer = scanned.client.post(f"/series/{scanned.series}/restore")
    assert answer.status_code == 409
    assert "none of its objects is rejected" in answer.text


def test_the_report_is_printed_in_the_readers_language(scanned):
    answer = scanned.client.get(f"/series/{scanned.series}/report.pdf", headers={"Accept-Language": "de"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert scanned.client.get(f"/series/{scanned.series}/report.pdf?version=9").status_code == 404
