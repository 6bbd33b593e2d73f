"""A running node tells what lies in quarantine, and takes up what is released from it."""

from __future__ import annotations

import re
from copy import deepcopy

from pydicom.uid import generate_uid
from structlog.testing import capture_logs

from config.settings import Settings
from scoring import engine
from scp.installation import Installation
from scp.watching.gauges import Gauges
from storage.intake.release import release
from storage.series import states
from storage.series.quarantine import list_quarantined
from storage.series.states import State


def in_quarantine(node) -> float:
    page = Gauges(Installation(Settings(), node.database, node.files)).render().decode()
    return float(re.search(r"^coronode_quarantine_objects (\S+)$", page, re.MULTILINE)[1])


def test_a_series_that_waits_for_a_slice_says_that_it_may_lie_in_quarantine(
    run_node, configured, scanner_of, patient, eventually
):
    images = patient()
    images[9].SOPInstanceUID = images[8].SOPInstanceUID
    uid = images[0].SeriesInstanceUID
    with run_node(configured({}, completion={"quiet_seconds": 0.5, "gap_deadline_seconds": 600})) as node:
        scanner_of(node).send(images)
        eventually("the reason of the wait", lambda: states.get(node.database, uid).wait_reason)
        reason = states.get(node.database, uid).wait_reason
        assert in_quarantine(node) == 1
    assert reason == "1 slice missing inside the series; 1 object of the series in quarantine"


def test_two_slices_under_one_uid_are_refused_as_the_shell_refuses_them(
    run_node, configured, scanner_of, patient, eventually, state_of, tmp_path
):
    images = patient()
    images[9].SOPInstanceUID = images[9].file_meta.MediaStorageSOPInstanceUID = images[8].SOPInstanceUID
    for number, image in enumerate(images):
        image.save_as(tmp_path / f"{number}.dcm")
    uid = images[0].SeriesInstanceUID
    with run_node(configured({}, completion={"quiet_seconds": 0.5, "gap_deadline_seconds": 1})) as node:
        scanner_of(node).send(images)
        eventually("a verdict", lambda: state_of(node, uid) == State.NOT_SCORABLE)
        told = states.get(node.database, uid)
    found = engine.score(sorted(tmp_path.glob("*.dcm")))
    assert (told.reason_code, told.reason) == (found.reason_code, found.reason)
    assert told.reason_code == "repeated_uid"
    assert images[8].SOPInstanceUID in told.reason


def test_a_copy_of_a_series_is_told_and_scored_once_it_is_released(
    run_node, configured, scanner_of, patient, eventually, state_of
):
    images = patient()
    copies = deepcopy(images)
    other = generate_uid()
    for copy in copies:
        copy.SeriesInstanceUID = other
    first = images[0].SeriesInstanceUID
    with run_node(configured({})) as node:
        scanner_of(node).send(images)
        eventually("a score", lambda: state_of(node, first) == State.SCORED)
        with capture_logs() as logged:
            assert set(scanner_of(node).send(copies)) == {0}
        warned = [line for line in logged if line["event"].startswith("quarantined")]
        assert [(line["count"], line["series"], line["held_by"]) for line in warned] == [
            (1, other, first),
            (10, other, first),
        ]
        assert in_quarantine(node) == len(copies)
        release(node.database, node.files, list_quarantined(node.database), node._clock())
        eventually("a score of the copy", lambda: state_of(node, other) == State.SCORED)
        assert states.get(node.database, first).reason_code == "emptied"
        assert states.get(node.database, other).flags == ()
