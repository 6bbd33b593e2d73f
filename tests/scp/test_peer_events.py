"""Events of peers on their way into the audit log: nobody waits, repeats are counted, a loss is told."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from scp import peer_events
from scp.metrics import REGISTRY
from scp.peer_events import PeerEvent, PeerEvents
from storage.auditing import chain, statements
from storage.database import audit


@pytest.fixture
def steady(monkeypatch):
    """What the thread waits is short, and the time of repeats a test's own."""
    monkeypatch.setattr(peer_events, "_PAUSE", 0.01)
    monkeypatch.setattr(peer_events, "_LONGEST_PAUSE", 0.02)


@pytest.fixture
def index(install):
    return install().database


def make(text: str = "x", **fields: object) -> PeerEvent:
    return PeerEvent("peer-refused", lambda count: f"{text} {count}", **fields)


def texts(database) -> list[str]:
    return [event.text for event in reversed(audit.list_events(database, limit=5000))]


@pytest.mark.usefixtures("steady")
def test_events_are_entered_soon_and_in_order(index, clock, eventually):
    events = PeerEvents(index, clock)
    for number in range(450):
        events.note(make(str(number), peer_ae="CT1"))
    eventually("the events", lambda: len(texts(index)) == 450)
    assert texts(index) == [f"{number} 1" for number in range(450)]
    assert {event.peer_ae for event in audit.list_events(index)} == {"CT1"}
    events.stop()


def test_nothing_runs_before_there_is_something(index, clock):
    before = threading.active_count()
    events = PeerEvents(index, clock)
    assert threading.active_count() == before
    events.stop()


def test_what_waits_at_the_end_is_entered_with_the_repeats(index, clock):
    events = PeerEvents(index, clock)
    for _ in range(500):
        events.note(make("same", same="key"))
    events.stop()
    assert texts(index) == ["same 1", "same 499"]
    while chain.seal(index, clock()):
        pass
    assert list(chain.verify(index, clock())) == []


@pytest.mark.usefixtures("steady")
def test_repeats_are_entered_when_their_time_has_come(index, clock, eventually):
    now = [0.0]
    events = PeerEvents(index, clock, monotonic=lambda: now[0])
    for _ in range(3):
        events.note(make("same", same="key"))
    eventually("the first", lambda: texts(index) == ["same 1"])
    now[0] = peer_events.GATHER_SECONDS
    events.note(make("other", same="other"))
    eventually("the repeats", lambda: sorted(texts(index)) == ["other 1", "same 1", "same 2"])
    events.stop()
    assert len(texts(index)) == 3


def test_what_differs_too_much_is_entered_as_one(index, clock):
    events = PeerEvents(index, clock)
    others = make("others", same="others")
    for number in range(5000):
        events.note(make(str(number), same=number, instead=others))
    events.stop()
    assert len(texts(index)) == peer_events.MOST_KNOWN + 2
    assert texts(index)[-2:] == ["others 1", f"others {5000 - peer_events.MOST_KNOWN - 1}"]


@pytest.mark.usefixtures("steady")
def test_a_database_that_is_away_is_told_once_and_loses_nothing(index, clock, eventually):
    index.refusals = 20
    with capture_logs() as lines:
        events = PeerEvents(index, clock)
        for number in range(10):
            events.note(make(str(number)))
        eventually("the events", lambda: len(texts(index)) == 10)
        events.stop()
    told = [line["event"] for line in lines]
    assert told == ["events of peers wait for the audit log", "events of peers go on into the audit log"]


@pytest.mark.usefixtures("steady")
def test_what_cannot_wait_is_counted_told_and_entered_as_lost(index, clock, eventually, monkeypatch):
    monkeypatch.setattr(peer_events, "MOST_WAITING", 5)
    before = REGISTRY.get_sample_value("coronode_audit_events_lost_total")
    index.refusals = 10**9
    with capture_logs() as lines:
        events = PeerEvents(index, clock)
        for number in range(12):
            events.note(make(str(number)))
        index.refusals = 0
        eventually("the events", lambda: len(texts(index)) == 6)
        events.stop()
    *entered, lost = reversed(audit.list_events(index))
    assert [event.text for event in entered] == [f"{number} 1" for number in range(5)]
    assert statements.read(lost.kind, lost.text) == statements.Lost(7)
    assert REGISTRY.get_sample_value("coronode_audit_events_lost_total") - before == 7
    assert [line["event"] for line in lines if line["log_level"] == "error"] == [
        "events of peers are lost to the audit log: the database takes none"
    ]


def test_what_is_left_at_the_end_is_counted_and_told(index, clock):
    before = REGISTRY.get_sample_value("coronode_audit_events_lost_total")
    index.refusals = 10**9
    with capture_logs() as lines:
        events = PeerEvents(index, clock)
        for _ in range(3):
            events.note(make())
        events.stop()
    assert REGISTRY.get_sample_value("coronode_audit_events_lost_total") - before == 3
    assert lines[-1]["event"] == "events of peers are not in the audit log"
    assert lines[-1]["count"] == 3


@pytest.mark.usefixtures("steady")
def test_an_event_that_cannot_be_made_keeps_out_no_others(index, clock, eventually):
    events = PeerEvents(index, clock)
    events.note(replace(make(), make_text=lambda _: 1 // 0))
    eventually("the loss", lambda: not events._waiting)
    events.note(make("next"))
    eventually("the next event", lambda: "next 1" in texts(index))
    events.stop()
    assert statements.describe("events-lost", texts(index)[-1]).startswith("1 events of peers are missing")


def test_noting_does_not_wait_for_the_database(index, clock):
    events = PeerEvents(index, clock)
    with index.session():
        for number in range(100):
            events.note(make(str(number)))
    events.stop()
    assert len(texts(index)) == 100


def test_an_event_is_in_the_log_when_entering_it_returns(index, clock, monkeypatch):
    monkeypatch.setattr(peer_events, "_PAUSE", 3600.0)  # what gathers does not hold it up
    monkeypatch.setattr(peer_events, "ENTER_SECONDS", 60.0)
    events = PeerEvents(index, clock)
    events.note(make("before"))
    events.enter(make("first"), make("second"))
    assert texts(index) == ["before 1", "first 1", "second 1"]
    events.enter(make("third"))
    assert texts(index)[3:] == ["third 1"]
    events.enter()
    events.stop()
    assert len(texts(index)) == 4


@pytest.mark.usefixtures("steady")
def test_an_event_that_the_database_does_not_take_is_not_waited_for(index, clock, eventually, monkeypatch):
    monkeypatch.setattr(peer_events, "ENTER_SECONDS", 3600.0)
    index.refusals = 10**9
    events = PeerEvents(index, clock)
    for number in range(3):
        events.enter(make(str(number)))
    assert texts(index) == []
    index.refusals = 0
    eventually("the events", lambda: texts(index) == ["0 1", "1 1", "2 1"])
    events.stop()


def test_a_database_that_hangs_is_waited_for_as_long_as_is_said(index, clock, monkeypatch):
    monkeypatch.setattr(peer_events, "ENTER_SECONDS", 0.05)
    events = PeerEvents(index, clock)
    with index.session():  # a writer that does not end
        events.enter(make())
        assert texts(index) == []
    events.stop()
    assert texts(index) == ["x 1"]
