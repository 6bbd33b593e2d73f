"""What stands in each stage, and since when, as monitors are told."""

from __future__ import annotations

from storage.outbox import outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document
from storage.overview.stages import read_stages
from storage.series import lifecycle
from storage.series.states import State


def test_an_empty_index_has_nothing_anywhere(node):
    stages = read_stages(node.db)
    assert (stages.series, stages.waiting_since, stages.unsent) == ({}, {}, ())
    assert (stages.quarantined, stages.last_received) == (0, None)


def test_series_are_counted_by_state_and_the_oldest_of_each_is_known(node):
    node.store(node.ct(SeriesInstanceUID="1.2.1.1", SOPInstanceUID="1.2.1.1.1"), seconds=10)
    node.store(node.ct(SeriesInstanceUID="1.2.1.2", SOPInstanceUID="1.2.1.2.1"), seconds=20)
    node.store(node.ct(SeriesInstanceUID="1.2.1.3", SOPInstanceUID="1.2.1.3.1"), seconds=30)
    node.complete("1.2.1.3", 90)
    stages = read_stages(node.db)
    assert stages.series == {State.RECEIVING: 2, State.COMPLETE: 1}
    assert stages.waiting_since == {State.RECEIVING: node.at(10), State.COMPLETE: node.at(90)}
    assert stages.last_received == node.at(30)


def test_a_series_that_is_scored_again_waits_since_it_was_sent_back(node):
    uid = node.series(1)
    node.complete(uid, 60)
    lifecycle.finish(node.db, uid, 1, "{}", "scored", now=node.at(70))
    lifecycle.rescore(node.db, uid, node.at(5000))
    assert read_stages(node.db).waiting_since == {State.RECEIVING: node.at(5000)}


def test_deliveries_are_counted_by_destination_and_state(node):
    uid = node.series(1)
    node.complete(uid, 60)
    lifecycle.finish(node.db, uid, 1, "{}", "scored", now=node.at(70))
    documents = [Document(uid, 1, f"1.2.9.{number}", "sr", f"file{number}") for number in (1, 2)]
    first, _ = outgoing.add(node.db, documents, ["PACS"], node.at(80))
    outgoing.add(node.db, documents[:1], ["ARCHIVE"], node.at(81))
    outgoing.claim(node.db, first, node.at(85))
    outcomes.mark_dead(node.db, first, node.at(90), error="refused")
    found = {(item.destination, item.state): (item.count, item.oldest) for item in read_stages(node.db).unsent}
    assert found == {
        ("PACS", DeliveryState.DEAD): (1, node.at(80)),
        ("PACS", DeliveryState.PENDING): (1, node.at(80)),
        ("ARCHIVE", DeliveryState.PENDING): (1, node.at(81)),
    }


def test_the_figures_cost_a_handful_of_statements(node, statements):
    node.series(3)
    with statements(node.db) as made:
        read_stages(node.db)
    assert len(made) <= 8
