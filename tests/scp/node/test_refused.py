"""A slice that is refused at the edge of a scan leaves no gap: the series waits for it, and its report tells of it."""

from __future__ import annotations

from copy import deepcopy

from scoring.result import Score
from storage.series import results, states
from storage.series.states import State


def test_the_last_slice_is_refused_and_later_sent_again(
    patient, configured, run_node, scanner_of, eventually, state_of
):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    broken = deepcopy(images[-1])
    broken.PixelData = broken.PixelData[:-100]
    waits = {"quiet_seconds": 1, "gap_deadline_seconds": 4}
    with run_node(configured({}, completion=waits)) as node:
        assert scanner_of(node).send([*images[:-1], broken]) == [0] * len(images[:-1]) + [0xC000]
        reason = "1 image refused at receipt and not stored since"
        eventually("a result", lambda: state_of(node, uid) == State.SCORED)
        assert states.get(node.database, uid).flags == (reason,)
        first = Score.from_json(results.get(node.database, uid, 1).score_json)
        assert "refused_images" in {flag.code for flag in first.flags}

        assert scanner_of(node).send(images[-1:]) == [0]
        eventually("the next result", lambda: results.get(node.database, uid, 2) is not None)
        assert states.get(node.database, uid).flags == ()
        second = Score.from_json(results.get(node.database, uid, 2).score_json)
        assert "refused_images" not in {flag.code for flag in second.flags}
