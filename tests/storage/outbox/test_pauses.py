"""A paused destination: nothing is due to it, and everything is once it goes on."""

from __future__ import annotations

import json

import pytest

from storage.database import audit
from storage.outbox import deliveries, outgoing, pauses
from storage.outbox.deliveries import Document
from storage.series import lifecycle

SERIES = "1.2.1.1"


@pytest.fixture
def owed(node):
    """A scored series whose report is to go to two destinations."""
    node.series(1)
    lifecycle.complete(node.db, SERIES, node.at(10), expected=1)
    lifecycle.finish(node.db, SERIES, 1, json.dumps({}), "scored", now=node.at(20))
    outgoing.add(node.db, [Document(SERIES, 1, "1.2.1.8.1", "sr", "p")], ["PACS", "RIS"], node.at(30))
    return node


def list_due(node):
    return {item.destination for item in deliveries.list_due(node.db, node.at(40))}


def test_nothing_is_due_to_a_paused_destination(owed):
    assert list_due(owed) == {"PACS", "RIS"}
    assert pauses.pause(owed.db, "PACS", owed.at(35), person="meier")
    assert list_due(owed) == {"RIS"}
    assert [(item.destination, item.person) for item in pauses.list_pauses(owed.db)] == [("PACS", "meier")]
    assert pauses.resume(owed.db, "PACS", owed.at(36), person="schulz")
    assert list_due(owed) == {"PACS", "RIS"}


def test_both_are_in_the_audit_log_once(owed):
    for _ in range(2):
        pauses.pause(owed.db, "PACS", owed.at(35), person="meier")
    for _ in range(2):
        pauses.resume(owed.db, "PACS", owed.at(36), person="schulz")
    noted = [(event.kind, event.peer_ae, event.person) for event in audit.list_events(owed.db, limit=2)]
    assert noted == [("resumed", "PACS", "schulz"), ("paused", "PACS", "meier")]
    assert not audit.list_events(owed.db, kind="paused")[1:]


def test_one_that_was_never_paused_goes_on_as_before(owed):
    assert not pauses.resume(owed.db, "PACS", owed.at(36))
    assert not pauses.is_paused(owed.db, "PACS")
