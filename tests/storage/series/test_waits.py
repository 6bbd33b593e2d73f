"""What a series waits for."""

from __future__ import annotations

from storage.series import states, waits
from storage.series.waits import Silence

UID = "1.2.1.1"


def test_waiting_is_noted_and_a_slice_clears_it(node):
    node.series(2)
    waits.wait(node.db, UID, node.at(900), "2 of 3 slices, a gap of 6 mm")
    state = states.get(node.db, UID)
    assert (state.wait_until, state.wait_reason) == (node.at(900), "2 of 3 slices, a gap of 6 mm")
    node.store(node.ct(SOPInstanceUID="1.2.1.1.3"))
    state = states.get(node.db, UID)
    assert (state.wait_until, state.wait_reason) == (None, "")


def test_silence_counts_for_the_last_instance_alone(node):
    node.series(2)
    last = states.get(node.db, UID).last_received_at
    waits.note_silences(node.db, [Silence(UID, last, 100.5), Silence("1.2.unknown", last, 7)])
    assert states.get(node.db, UID).silent_seconds == 100.5
    waits.note_silences(node.db, [])
    node.store(node.ct(SOPInstanceUID="1.2.1.1.3"), 60)
    state = states.get(node.db, UID)
    assert state.last_received_at > last
    assert state.silent_seconds == 0
    waits.note_silences(node.db, [Silence(UID, last, 120)])  # of somebody who has not heard of it yet
    assert states.get(node.db, UID).silent_seconds == 0
    waits.note_silences(node.db, [Silence(UID, state.last_received_at, 3)])
    assert states.get(node.db, UID).silent_seconds == 3
