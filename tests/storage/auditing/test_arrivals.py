"""What was received, as events of the audit log."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from storage.auditing.arrivals import KIND, SETTLED, record_arrivals
from storage.auditing.chain import seal
from storage.database import audit
from storage.database.models import InstanceRow

CT = "CT Image Storage"


@pytest.fixture
def watched(node):
    """A node that records from its first object on."""
    assert record_arrivals(node.db, node.at(0)) == 0
    return node


def events(node) -> list[tuple[str, str, str]]:
    found = audit.list_events(node.db, kind=KIND)
    return [(event.series_instance_uid, event.peer_ae, event.text) for event in found]


def settled(node, seconds: float):
    return node.at(seconds) + SETTLED


def test_objects_of_a_series_are_one_event(watched):
    for number in range(3):
        watched.store(watched.ct(SOPInstanceUID=f"1.2.1.1.{number}"), number, calling_ae="CT1")
    assert record_arrivals(watched.db, settled(watched, 2)) == 3
    assert events(watched) == [("1.2.1.1", "CT1", f"3 {CT}")]
    assert audit.list_events(watched.db, kind=KIND)[0].at == watched.at(2)
    assert record_arrivals(watched.db, settled(watched, 9)) == 0


def test_each_series_and_each_sender_is_an_event(watched):
    watched.store(watched.ct(SOPInstanceUID="1.1"), calling_ae="CT1")
    watched.store(watched.ct(SOPInstanceUID="1.2"), calling_ae="PACS")
    watched.store(watched.ct(SOPInstanceUID="1.3", SeriesInstanceUID="1.2.1.2"), calling_ae="CT1")
    assert record_arrivals(watched.db, settled(watched, 1)) == 3
    assert sorted(events(watched)) == [
        ("1.2.1.1", "CT1", f"1 {CT}"),
        ("1.2.1.1", "PACS", f"1 {CT}"),
        ("1.2.1.2", "CT1", f"1 {CT}"),
    ]


def test_what_has_just_come_waits(watched):
    watched.store(watched.ct(SOPInstanceUID="1.1"), 0)
    watched.store(watched.ct(SOPInstanceUID="1.2"), 30)
    assert record_arrivals(watched.db, settled(watched, 0)) == 1
    assert record_arrivals(watched.db, settled(watched, 30)) == 1


def test_a_clock_that_was_set_back_holds_nothing_up(watched):
    watched.store(watched.ct(SOPInstanceUID="1.1"), 3600, calling_ae="CT1")
    assert record_arrivals(watched.db, watched.at(0)) == 1
    assert audit.list_events(watched.db, kind=KIND)[0].at == watched.at(0)


def test_documents_of_the_node_were_not_received(watched):
    watched.store(watched.ct(SOPInstanceUID="1.1"), origin="made")
    assert record_arrivals(watched.db, settled(watched, 0) + timedelta(hours=1)) == 0
    assert events(watched) == []


def test_objects_that_have_the_numbers_of_deleted_ones_are_recorded(watched):
    watched.store(watched.ct(SOPInstanceUID="1.1"), 0)
    assert record_arrivals(watched.db, settled(watched, 0)) == 1
    with watched.db.session() as session:
        session.execute(delete(InstanceRow))
    assert record_arrivals(watched.db, settled(watched, 10)) == 0
    watched.store(watched.ct(SOPInstanceUID="1.2"), 20)
    assert record_arrivals(watched.db, settled(watched, 20)) == 1


@pytest.mark.parametrize("work", [record_arrivals, seal])
def test_a_node_at_rest_writes_nothing(watched, monkeypatch, work):
    watched.store(watched.ct(SOPInstanceUID="1.1"), 0)
    while work(watched.db, settled(watched, 0)):
        pass
    monkeypatch.setattr(watched.db, "session", None)
    assert work(watched.db, settled(watched, 60)) == 0


def test_a_database_of_an_earlier_version_begins_with_what_comes(node):
    node.store(node.ct(SOPInstanceUID="1.1"), 0)
    assert record_arrivals(node.db, settled(node, 10)) == 0
    node.store(node.ct(SOPInstanceUID="1.2"), 20)
    assert record_arrivals(node.db, settled(node, 20)) == 1
