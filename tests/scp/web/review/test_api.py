"""The review of a series, as the page's script sees it."""

from __future__ import annotations

import pytest

from scoring.result import Score
from storage.database import audit
from storage.reviews.reviews import list_signed
from storage.series import lifecycle, results, states
from storage.series.states import State

REJECT = {"kind": "reject", "lesion": "1"}


@pytest.fixture
def series(web, receive_scan):
    return receive_scan(web.services)


@pytest.fixture
def call(web, series):
    """`call("edits", ...)` posts to the review of the scan; without a name it is read. `browser` asks, as who it is."""

    def ask(action: str = "", revision: int | None = None, status: int = 200, browser=None, uid=series, **values):
        path, client = f"/api/reviews/{uid}", browser or web.client
        if not action:
            answer = client.get(path)
        else:
            answer = client.post(f"{path}/{action}", json={"revision": revision, **values})
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def test_what_was_counted_is_listed_with_its_pixels(call, scan, series):
    state = call()
    assert state["series"] == {
        "study_instance_uid": scan.score.series.study_instance_uid,
        "series_instance_uid": series,
        "version": 1,
        "slices": scan.score.series.slices,
        "rows": 128,
        "columns": 128,
        "spacing_mm": list(scan.score.series.spacing_mm),
    }
    for shown, lesion in zip(state["lesions"], scan.score.lesions, strict=False):
        assert (shown["id"], shown["origin"], shown["counted"], shown["artery"]) == (
            str(lesion.id),
            "automatic",
            True,
            lesion.artery,
        )
        assert (shown["agatston"], shown["runs"]) == (lesion.agatston, [list(run) for run in lesion.runs])
    positions = [image["position_mm"] for image in state["images"]]
    assert positions == sorted(positions)
    assert [image["slice"] for image in state["images"]] == list(range(scan.score.series.slices))
    cited = {image.slice: image.sop_instance_uid for lesion in scan.score.lesions for image in lesion.images}
    assert {index: state["images"][index]["sop_instance_uid"] for index in cited} == cited
    assert state["automatic"]["agatston"]["total"] == scan.score.agatston.total
    assert state["edits"] == []
    assert (state["may_sign"], state["can_undo"], state["can_redo"], state["signed"]) == (True, False, False, None)


def test_a_lesion_is_rejected_and_the_rejection_undone_and_done_again(call, scan):
    state = call()
    after = call("edits", state["revision"], edit=REJECT)
    total = after["result"]["agatston"]["total"]
    assert total == pytest.approx(scan.score.agatston.total - state["lesions"][0]["agatston"], abs=1e-4)
    assert [(item["number"], item["words"], item["by"], item["undone"]) for item in after["edits"]] == [
        (1, f"Lesion 1 rejected (Agatston {state['lesions'][0]['agatston']:.1f})", "local reader", False)
    ]
    back = call("undo", after["revision"])
    assert (back["result"], back["lesions"], back["can_redo"]) == (state["result"], state["lesions"], True)
    again = call("redo", back["revision"])
    assert again["result"] == after["result"]
    assert call("restart", again["revision"])["result"] == state["result"]


def test_what_a_click_adds_is_what_was_found_automatically(call, scan):
    """A lesion that was rejected is clicked: the same pixels come back."""
    lesion = scan.score.lesions[4]
    state = call()
    state = call("edits", state["revision"], edit={"kind": "reject", "lesion": str(lesion.id)})
    place = list(lesion.runs[0][:3])
    state = call("edits", state["revision"], edit={"kind": "add", "at": place, "artery": lesion.artery})
    assert state["result"]["agatston"]["total"] == scan.score.agatston.total


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"kind": "reject", "lesion": "99"}, "There is no lesion 99"),
        ({"kind": "add", "at": [5, 0, 0], "artery": "LM"}, "Nothing reaches 130 HU"),
        ({"kind": "add", "at": [5, 0], "artery": "LM"}, "Not a correction: add.at"),
        ({"kind": "add", "at": [5, 10**30, 0], "artery": "LM"}, "Image 6 has no such pixel"),
        ({"kind": "move", "lesion": "1", "artery": "aorta"}, "Not a correction: move.artery"),
        ({"kind": "reject", "lesion": "9" * 100_000}, "Not a correction: lesion"),
        ({"kind": "draw"}, "Not a correction"),
        ({}, "Not a correction"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_told_and_changes_nothing(call, edit, words):
    state = call()
    assert call("edits", state["revision"], 422, edit=edit)["error"].startswith(words)
    assert call() == state


def test_words_are_in_the_readers_language(call, web):
    web.client.headers["accept-language"] = "de"
    state = call()
    state = call("edits", state["revision"], edit=REJECT)
    assert state["edits"][0]["words"].startswith("Läsion 1 verworfen")
    assert call("edits", state["revision"], 422, edit=REJECT)["error"] == "Läsion 1 zählt bereits nicht"


def test_of_two_readers_the_second_sees_the_firsts_edit_before_his_own(call):
    state = call()
    first = call("edits", state["revision"], edit=REJECT)
    answer = call("edits", state["revision"], 409, edit={"kind": "reject", "lesion": "2"})
    assert answer["error"].startswith("Something has changed")
    assert answer["state"] == first


def test_a_signed_review_is_the_next_version(call, web, series, scan):
    state = call()
    state = call("edits", state["revision"], edit=REJECT)
    for reader, words in (("", "State your name"), ("A\nB", "A name has"), ("x" * 65, "A name has")):
        assert call("sign", state["revision"], 422, reader=reader)["error"].startswith(words)
    assert call("sign", state["revision"], reader=" Dr. A. Reader ") == {"version": 2}
    database = web.services.database
    assert (states.get(database, series).state, states.get(database, series).version) == (State.SCORED, 2)
    signed = Score.from_json(results.get(database, series).score_json)
    assert signed.agatston.total == state["result"]["agatston"]["total"]
    assert (signed.review.reader, signed.review.rejected, signed.review.automatic_version) == ("Dr. A. Reader", 1, 1)
    assert signed.review.automatic_agatston == scan.score.agatston.total
    assert Score.from_json(results.get(database, series, 1).score_json) == scan.score
    assert [(item.automatic_version, item.signed_version) for item in list_signed(database)] == [(1, 2)]
    (event,) = audit.list_events(database, kind="signed")
    assert (event.text, event.person) == ("version 2 rejected 1", "local")
    shown = call()
    assert (shown["signed"]["by"], shown["signed"]["version"], shown["may_sign"]) == ("Dr. A. Reader", 2, False)
    assert call("sign", shown["revision"], 422, reader="Dr. B")["error"].startswith("This result is signed already")


def test_a_signed_result_is_corrected_once_more(call, web, series):
    state = call()
    state = call("edits", state["revision"], edit=REJECT)
    call("sign", state["revision"], reader="Dr. A")
    state = call()
    state = call("undo", state["revision"])
    assert (state["signed"], state["may_sign"]) == (None, True)
    assert state["result"]["agatston"] == state["automatic"]["agatston"]
    assert call("sign", state["revision"], reader="Dr. B") == {"version": 3}
    signed = Score.from_json(results.get(web.services.database, series).score_json)
    assert (signed.review.reader, signed.review.automatic_version, signed.review.is_unchanged) == ("Dr. B", 1, True)


def test_while_a_series_is_scored_again_nobody_signs(call, web, series):
    state = call()
    lifecycle.rescore(web.services.database, series, web.services.clock())
    answer = call("sign", state["revision"], 409, reader="Dr. A. Reader")
    assert not answer["state"]["may_sign"]
    assert answer["state"]["warnings"][0].startswith("Images have come since")


def test_a_newer_result_begins_a_new_review(call, web, series, scan):
    state = call()
    state = call("edits", state["revision"], edit=REJECT)
    database, now = web.services.database, web.services.clock()
    lifecycle.rescore(database, series, now)
    lifecycle.complete(database, series, now, expected=scan.score.series.slices)
    lifecycle.start_scoring(database, series, 2, now)
    lifecycle.finish(database, series, 2, scan.score.to_json(), "scored", now=now)
    answer = call("edits", state["revision"], 409, edit=REJECT)
    assert answer["state"]["edits"] == []
    (warning,) = answer["state"]["warnings"]
    assert warning.startswith("A newer automatic result has replaced the one that local reader had corrected (1)")
    assert call("edits", answer["state"]["revision"], edit=REJECT)["series"]["version"] == 2


def test_a_series_without_a_result_has_no_review(call, web, series):
    call(uid="1.2.3", status=404)
    call("edits", 1, 404, uid="1.2.3", edit=REJECT)
    database, now = web.services.database, web.services.clock()
    lifecycle.rescore(database, series, now)
    lifecycle.complete(database, series, now, expected=30)
    version = states.get(database, series).version
    lifecycle.start_scoring(database, series, version, now)
    lifecycle.finish(database, series, version, "", "not_scorable", now=now, reason_code="gap", reason="a gap")
    assert "a gap" in call(status=409)["error"]


def test_whoever_may_only_look_changes_nothing(call, web):
    viewer, reader = web.sign_in("view"), web.sign_in("review")
    state = call(browser=viewer)
    assert (state["may_review"], state["may_sign"], state["can_undo"]) == (False, False, False)
    for action, values in (("edits", {"edit": REJECT}), ("undo", {}), ("redo", {}), ("restart", {}), ("sign", {})):
        call(action, state["revision"], 403, browser=viewer, **values)
        call(action, state["revision"], 401, browser=web.browser(), **values)
    call(browser=web.browser(), status=401)
    call(browser=web.sign_in("store"), status=403)
    state = call("edits", state["revision"], browser=reader, edit=REJECT)
    assert state["edits"][0]["by"] == "Dr. Review"
    # the account's own name is printed, whatever the script sends
    call("sign", state["revision"], browser=reader, reader="Dr. Somebody Else")
    signed = call(browser=viewer)["signed"]
    assert signed["by"] == "Dr. Review"
    (event,) = audit.list_events(web.services.database, kind="signed")
    assert event.person == "review"


def test_whoever_looks_is_in_the_audit_log(call, web, series):
    call(browser=web.sign_in("view"))
    (event,) = audit.list_events(web.services.database, kind="viewed")
    assert (event.person, event.series_instance_uid) == ("view", series)
