"""The outbox: destinations that take nothing, deliveries that were given up, and what an operator does about them."""

from __future__ import annotations

import pytest

from storage.database import audit
from storage.outbox import deliveries, outcomes, pauses


def test_it_shows_what_waits_and_why(scanned):
    number = scanned.owe()
    outcomes.mark_failed(scanned.database, number, scanned.now, error="PACS: refused <b>", retry_at=scanned.now)
    page = scanned.client.get("/outbox").text
    assert "does not take documents" in page
    assert "PACS: refused &lt;b&gt;" in page
    assert f'value="{number}"' in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("state=dead", False), ("state=pending", True), ("destination=RIS", False), ("state=nonsense&page=-4", True)],
)
def test_filters_stand_in_the_address(scanned, query, shown):
    number = scanned.owe()
    assert (f'value="{number}"' in scanned.client.get(f"/outbox?{query}").text) == shown


def test_a_destination_is_paused_and_resumed_by_name(scanned):
    scanned.owe()
    assert scanned.client.post("/outbox/pause", data={"destination": "PACS"}).status_code == 303
    assert deliveries.list_due(scanned.database, scanned.now) == []
    assert "paused" in scanned.client.get("/outbox").text
    assert "PACS is paused" in scanned.client.get("/").text
    scanned.client.post("/outbox/resume", data={"destination": "PACS"})
    assert len(deliveries.list_due(scanned.database, scanned.now)) == 1
    kinds = [(event.kind, event.person) for event in audit.list_events(scanned.database, limit=20)]
    assert ("paused", "local") in kinds
    assert ("resumed", "local") in kinds


def test_what_is_no_destination_cannot_be_paused(scanned):
    assert scanned.client.post("/outbox/pause", data={"destination": "NOBODY"}).status_code == 404
    assert pauses.list_pauses(scanned.database) == []


def test_dead_deliveries_of_a_destination_are_sent_again_at_once(scanned):
    numbers = [scanned.owe(uid=f"1.2.9.{number}") for number in range(3)]
    other = scanned.owe("RIS")
    for number in (*numbers, other):
        outcomes.mark_dead(scanned.database, number, scanned.now, error="refused")
    scanned.client.post("/outbox/retry-all", data={"destination": "PACS"})
    assert {deliveries.get(scanned.database, number).state for number in numbers} == {"pending"}
    assert deliveries.get(scanned.database, other).state == "dead"


def test_chosen_deliveries_are_discarded_and_the_others_stay(scanned):
    kept, chosen = scanned.owe(uid="1.2.9.1"), scanned.owe(uid="1.2.9.2")
    scanned.client.post("/outbox/discard", data={"number": [chosen]})
    assert deliveries.get(scanned.database, chosen).state == "discarded"
    assert deliveries.get(scanned.database, kept).state == "pending"
    assert audit.list_events(scanned.database, kind="delivery-discarded")[0].person == "local"


def test_one_that_is_done_cannot_be_sent_again(scanned):
    number = scanned.owe()
    outcomes.mark_delivered(scanned.database, number, scanned.now)
    answer = scanned.client.post("/outbox/retry", data={"number": [number]})
    assert answer.status_code == 409
    assert "it must be" in answer.text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/outbox//evil", "/accounts"])
def test_a_form_returns_to_our_own_pages_alone(scanned, back):
    answer = scanned.client.post("/outbox/resume", data={"destination": "PACS", "back": back})
    assert answer.headers["location"] == "/outbox"


@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "x"])
def test_a_number_that_no_row_can_have_is_refused(scanned, number):
    assert scanned.client.post("/outbox/retry", data={"number": number}).status_code == 422
    assert scanned.client.post("/quarantine/release", data={"number": number}).status_code == 422
    assert scanned.client.get(f"/system/audit?before={number}").status_code == 422
    assert scanned.client.get(f"/series/{scanned.series}/report.pdf?version={number}").status_code == 422
