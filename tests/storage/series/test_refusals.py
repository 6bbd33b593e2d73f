"""A refused image is missing from its series until it is stored, whatever happens in between."""

from __future__ import annotations

import pytest

from storage.database import audit
from storage.database.engine import Database
from storage.series import lifecycle, refusals, states
from storage.series.refusals import Refusal
from storage.series.states import State

SERIES, LOST = "1.2.1.1", "1.2.1.1.9"


def refuse(node, sop_instance_uid=LOST, seconds=10, series=SERIES) -> bool:
    refusal = Refusal(series, sop_instance_uid, "CT1", "0xC000 Pixel Data is short")
    return refusals.note(node.db, refusal, node.at(seconds))


def missing(node, series=SERIES) -> list[str]:
    listed = refusals.list_missing(node.db, series)
    assert refusals.count_missing(node.db, series) == len(listed)
    return listed


def test_it_is_missing_until_it_is_stored(node):
    assert refuse(node)
    assert missing(node) == [LOST]
    node.series(2)
    assert missing(node) == [LOST]
    node.store(node.ct(SOPInstanceUID=LOST), 20)
    assert missing(node) == []


def test_it_outlives_the_process(node):
    refuse(node)
    again = Database.open(str(node.db.engine.url))
    assert refusals.list_missing(again, SERIES) == [LOST]
    again.close()


def test_a_sender_that_tries_again_is_noted_once(node):
    assert [refuse(node, seconds=second) for second in range(3)] == [True, False, False]
    (event,) = audit.list_events(node.db, series_instance_uid=SERIES, kind="refused")
    assert (event.sop_instance_uid, event.peer_ae, event.text) == (LOST, "CT1", "0xC000 Pixel Data is short")


def test_no_other_series_misses_it(node):
    refuse(node, series="1.2.1.7")
    node.series(2)
    assert missing(node) == []
    assert missing(node, "1.2.1.7") == [LOST]


def test_a_broken_copy_of_what_is_stored_is_not_missing(node):
    node.series(2)
    assert not refuse(node, "1.2.1.1.2")
    assert missing(node) == []


@pytest.mark.parametrize("to", [State.COMPLETE, State.SCORED, State.NOT_SCORABLE])
def test_one_that_comes_late_lets_the_series_be_scored_again(node, to):
    node.series(2)
    node.complete(SERIES, 60)
    if to != State.COMPLETE:
        lifecycle.finish(node.db, SERIES, 1, "{}", to, now=node.at(61))
    assert refuse(node, seconds=70)
    assert states.get(node.db, SERIES).state == State.RECEIVING
    assert node.complete(SERIES, 100) == 2
    assert not refuse(node, seconds=110)
    assert states.get(node.db, SERIES).state == State.COMPLETE


def test_a_series_that_is_not_scored_is_left_alone(node):
    node.store(node.ct(Modality="MR"))
    refuse(node)
    assert states.get(node.db, SERIES).state == State.KEPT


def test_a_sender_that_never_gives_up_is_bounded(node, monkeypatch):
    monkeypatch.setattr(refusals, "MOST_OF_SERIES", 3)
    assert [refuse(node, f"1.9.{number}") for number in range(5)] == [True, True, True, False, False]
    assert refuse(node, "1.8.1", series="1.2.1.7")
    assert len(missing(node)) == 3
