"""Images that are away while a series is scored: it waits, says why, and is scored when they are back."""

from __future__ import annotations

from storage.series import states
from storage.series.states import State


def test_a_store_that_was_away_makes_no_verdict(run_node, configured, scanner_of, patient, eventually, state_of):
    images = patient()
    uid = images[0].SeriesInstanceUID
    with run_node(configured({}, completion={"quiet_seconds": 0.5})) as node:
        store = node.files.root / "instances"
        with scanner_of(node).associated() as association:
            assert {association.store(image) for image in images} == {0}
            away = store.rename(store.with_name("away"))  # before the association ends, so before it is complete
        eventually("the reason of the wait", lambda: states.get(node.database, uid).wait_reason)
        waiting = states.get(node.database, uid)
        assert waiting.state == State.SCORING
        assert "No such file or directory" in waiting.wait_reason
        away.rename(store)
        eventually("a score", lambda: state_of(node, uid) == State.SCORED)
        done = states.get(node.database, uid)
        assert (done.version, done.reason, done.wait_reason) == (1, "", "")
