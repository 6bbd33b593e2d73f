"""What a series waits for."""

from __future__ import annotations

from storage.series import states, waits

UID = "1.2.1.1"


def test_waiting_is_noted_and_a_slice_clears_it(node):
    node.series(2)
    waits.wait(node.db, UID, node.at(900), "2 of 3 slices, a gap of 6 mm")
    state = states.get(node.db, UID)
    assert (state.wait_until, state.wait_reason) == (node.at(900), "2 of 3 slices, a gap of 6 mm")
    node.store(node.ct(SOPInstanceUID="1.2.1.1.3"))
    state = states.get(node.db, UID)
    assert (state.wait_until, state.wait_reason) == (None, "")
