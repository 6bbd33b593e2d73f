"""The review of a series, as the page's script sees it."""

from __future__ import annotations

import pytest

from scoring.result import Score
from storage.database import audit
from storage.reviews.reviews import list_signed
from storage.series import lifecycle, results, states
from storage.series.states import State


@pytest.fixture
def series(web, receive_scan):
    return receive_scan(web.services)


@pytest.fixture
def call(web, series):
    """`call("edits", ...)` posts to the review of the scan; without a name it is read."""

    def ask(action: str = "", revision: int | None = None, status: int = 200, **values):
        path = f"/api/reviews/{series}"
        if not action:
            answer = web.client.get(path)
        else:
            answer = web.client.post(f"{path}/{action}", json={"revision": revision, **values})
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def test_a_lesion_is_rejected_and_the_rejection_undone_and_done_again(call, scan):
    state = call()
    assert state["automatic"]["agatston"]["total"] == scan.score.agatston.total
    assert [item["agatston"] for item in state["lesions"] if item["counted"]] == [
        item.agatston for item in scan.score.lesions
    ]
    first = state["lesions"][0]
    after = call("edits", state["revision"], edit={"kind": "reject", "lesion": first["id"]})
    total = after["result"]["agatston"]["total"]
    assert total == pytest.approx(scan.score.agatston.total - first["agatston"], abs=1e-4)
    back = call("undo", after["revision"])
    assert (back["result"], back["lesions"]) == (state["result"], state["lesions"])
    again = call("redo", back["revision"])
    assert again["result"] == after["result"]


def test_a_signed_review_is_the_next_version(call, web, series, scan):
    state = call()
    state = call("edits", state["revision"], edit={"kind": "reject", "lesion": "1"})
    assert call("sign", state["revision"], 422)["error"].startswith("State your name")
    assert call("sign", state["revision"], reader="Dr. A. Reader") == {"version": 2}
    database = web.services.database
    assert (states.get(database, series).state, states.get(database, series).version) == (State.SCORED, 2)
    signed = Score.from_json(results.get(database, series).score_json)
    assert signed.agatston.total == state["result"]["agatston"]["total"]
    assert (signed.review.reader, signed.review.rejected, signed.review.automatic_version) == ("Dr. A. Reader", 1, 1)
    assert Score.from_json(results.get(database, series, 1).score_json) == scan.score
    assert [(item.automatic_version, item.signed_version) for item in list_signed(database)] == [(1, 2)]
    assert [event.text for event in audit.list_events(database, kind="signed")] == ["version 2 rejected 1"]
    shown = call()
    assert shown["signed"]["by"] == "Dr. A. Reader"
    assert not shown["may_sign"]


def test_a_rescore_overtakes_a_review(call, web, series):
    state = call()
    lifecycle.rescore(web.services.database, series, web.services.clock())
    answer = call("sign", state["revision"], 409, reader="Dr. A. Reader")
    assert not answer["state"]["may_sign"]
