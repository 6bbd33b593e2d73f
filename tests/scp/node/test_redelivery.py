"""Slices that come twice, late, never, or with other bytes: one SR, or a second that names the first, or a reason."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from contextlib import closing
from copy import deepcopy

import pytest
import structlog
from pydicom import Dataset, dcmread
from sqlalchemy import text

from scoring.result import Score
from scp import logs
from scp.network.errors import AssociationEnded
from storage.database.opening import open_database
from storage.intake.instances import find_instance
from storage.series import results, states
from storage.series.states import State

HELD = {"quiet_seconds": 1, "hold_seconds": 300, "gap_deadline_seconds": 300}


def sr_sources(document: Dataset) -> set[str]:
    """Series that an SR was made of."""
    return {
        item.SeriesInstanceUID
        for study in document.CurrentRequestedProcedureEvidenceSequence
        for item in study.ReferencedSeriesSequence
    }


def predecessors(document: Dataset) -> list[str]:
    return [
        image.ReferencedSOPInstanceUID
        for study in document.get("PredecessorDocumentsSequence", [])
        for item in study.ReferencedSeriesSequence
        for image in item.ReferencedSOPSequence
    ]


def test_twice_shuffled_over_five_associations_then_an_edge_slice_late(
    patient, pacs, configured, run_node, scanner_of, state_of, shuffled, eventually
):
    images = patient()
    uid, last, early = images[0].SeriesInstanceUID, images[-1], images[:-1]
    with run_node(configured({"PACS": pacs.port}, completion=HELD)) as node:
        scanner = scanner_of(node)
        # an association that stays open keeps the series from being complete before all of it came twice
        with scanner.associated() as held:
            assert held.store(early[0]) == 0
            statuses = scanner.send_in_parallel(shuffled(early) + shuffled(early), 5)
        assert statuses == [0] * 2 * len(early)
        eventually("the result at the PACS", lambda: state_of(node, uid) == State.DELIVERED)
        assert states.get(node.database, uid).instance_count == len(early)

        scanner.send_in_parallel(shuffled(early), 5)
        assert state_of(node, uid) == State.DELIVERED
        (first,) = pacs.received
        assert sr_sources(first) == {uid}
        assert predecessors(first) == []

        assert scanner.send([last]) == [0]
        eventually("the second result", lambda: len(pacs.received) == 2)
        eventually("its note", lambda: state_of(node, uid) == State.DELIVERED)
        second = pacs.received[1]
        assert second.SOPInstanceUID != first.SOPInstanceUID
        assert predecessors(second) == [first.SOPInstanceUID]
        assert states.get(node.database, uid).version == 2
    assert len(pacs.received) == 2


def test_open_association_holds_the_series(patient, configured, run_node, scanner_of, eventually):
    """The quiet time is over long before, and the second half comes over another association."""
    images = patient()
    uid, half = images[0].SeriesInstanceUID, len(images) // 2
    other = patient()
    with run_node(configured({}, completion=HELD | {"quiet_seconds": 0.3})) as node:
        scanner = scanner_of(node)
        with scanner.associated() as open_one:
            for image in images[half:]:
                assert open_one.store(image) == 0
            # another series that nothing holds is complete meanwhile: the quiet time is over
            scanner.send(other[:2])
            eventually("the other series", lambda: states.get(node.database, other[0].SeriesInstanceUID).version == 1)
            assert states.get(node.database, uid).state == State.RECEIVING
            scanner.send(images[:half])
        eventually("completion", lambda: states.get(node.database, uid).version == 1)
        assert states.get(node.database, uid).instance_count == len(images)


def test_hold_is_bounded(patient, configured, run_node, scanner_of, eventually):
    images = patient()[:2]
    settings = configured({}, completion={"quiet_seconds": 0.3, "hold_seconds": 0.6})
    with run_node(settings) as node, scanner_of(node).associated() as open_one:
        for image in images:
            assert open_one.store(image) == 0
        eventually("completion", lambda: states.get(node.database, images[0].SeriesInstanceUID).version >= 1)
        assert open_one.store(images[0]) == 0


def test_missing_slice_that_comes_before_the_deadline(
    patient, pacs, configured, run_node, scanner_of, state_of, eventually
):
    images = patient()
    uid, middle = images[0].SeriesInstanceUID, len(images) // 2
    missing = images.pop(middle)
    with run_node(configured({"PACS": pacs.port}, completion=HELD)) as node:
        scanner_of(node).send(images)
        eventually("the reason", lambda: states.get(node.database, uid).wait_reason)
        waiting = states.get(node.database, uid)
        assert waiting.state == State.RECEIVING
        assert waiting.wait_reason == "1 slice missing inside the series"
        assert waiting.wait_until > waiting.last_received_at
        scanner_of(node).send([missing])
        assert states.get(node.database, uid).wait_reason == ""
        eventually("the result at the PACS", lambda: state_of(node, uid) == State.DELIVERED)
        assert states.get(node.database, uid).version == 1
    (document,) = pacs.received
    assert sr_sources(document) == {uid}


@pytest.mark.parametrize("place", ["in the heart", "above it"])
def test_missing_slice_that_never_comes(patient, pacs, configured, run_node, scanner_of, state_of, eventually, place):
    """After the deadline: scored with a flag, or not scored with a reason when the gap is within the heart."""
    images = patient()
    uid = images[0].SeriesInstanceUID
    images.pop(1 if place == "above it" else len(images) // 2)
    completion = HELD | {"quiet_seconds": 0.5, "gap_deadline_seconds": 1.5}
    with run_node(configured({"PACS": pacs.port}, completion=completion)) as node:
        scanner_of(node).send(images)
        eventually("an end", lambda: state_of(node, uid) in (State.DELIVERED, State.NOT_SCORABLE))
        state = states.get(node.database, uid)
        assert state.flags == ("1 slice missing inside the series",)
        if place == "above it":
            assert (state.state, len(pacs.received)) == (State.DELIVERED, 1)
            score = Score.from_json(results.get(node.database, uid).score_json)
            assert any("missing" in flag.message for flag in score.flags)
        else:
            assert (state.state, pacs.received) == (State.NOT_SCORABLE, [])
            assert "missing within the heart" in state.reason


def test_other_bytes_under_a_known_uid(patient, configured, run_node, scanner_of):
    image = patient()[0]
    other = deepcopy(image)
    other.PatientName = "SOMEBODY^ELSE"
    with run_node(configured({}, completion=HELD)) as node, scanner_of(node).associated() as association:
        answers = [association.store(item) for item in (image, other, image)]
        assert answers == [0, 0, 0]
        stored = find_instance(node.database, image.SOPInstanceUID)
        assert dcmread(node.files.path(stored.path)).PatientName == image.PatientName
        with node.database.reading() as session:
            put_aside = session.execute(text("SELECT path, sop_instance_uid FROM quarantine")).all()
        ((path, sop_instance_uid),) = put_aside
        assert sop_instance_uid == image.SOPInstanceUID
        assert dcmread(node.files.path(path)).PatientName == "SOMEBODY^ELSE"
        assert states.get(node.database, image.SeriesInstanceUID).instance_count == 1


def test_series_that_is_not_scored_does_not_hold_up_others(patient, configured, run_node, scanner_of, eventually):
    kept, scored = patient()[:2], patient()[:2]
    for image in kept:
        image.Modality = "OT"
    with run_node(configured({}, completion={"quiet_seconds": 0.5})) as node:
        scanner_of(node).send(kept)
        scanner_of(node).send(scored)
        eventually("completion", lambda: states.get(node.database, scored[0].SeriesInstanceUID).version == 1)
        assert states.get(node.database, kept[0].SeriesInstanceUID).state == State.KEPT


@pytest.fixture
def logging_as_served(monkeypatch):
    """Everything that `coronode serve` would log goes to standard error."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    before = structlog.get_config()
    logs.configure("info", "text")
    yield
    structlog.configure(**before)


@pytest.fixture
def hang_scoring():
    """Stop the scoring process of the running node, so that it is in the middle of a series for as long as it lives."""

    def stop() -> None:
        (process,) = multiprocessing.active_children()
        os.kill(process.pid, signal.SIGSTOP)

    return stop


@pytest.mark.usefixtures("logging_as_served")
def test_stop_in_the_middle_of_scoring(
    patient, pacs, configured, run_node, scanner_of, state_of, eventually, hang_scoring, capfd
):
    """An orderly stop reports no failure, and the next start scores the same version."""
    images = patient()
    uid = images[0].SeriesInstanceUID
    settings = configured({"PACS": pacs.port})
    with run_node(settings) as node:
        hang_scoring()
        scanner_of(node).send(images)
        eventually("scoring", lambda: state_of(node, uid) == State.SCORING)
    logged = "".join(capfd.readouterr())
    assert "Traceback" not in logged
    assert "failed" not in logged
    with closing(open_database(settings)) as database:
        assert states.get(database, uid).state == State.SCORING
    with run_node(settings) as node:
        eventually("the result at the PACS", lambda: state_of(node, uid) == State.DELIVERED)
        assert states.get(node.database, uid).version == 1
    assert len(pacs.received) == 1


def test_node_starts_and_stops_again_and_again(configured, run_node, scanner_of, patient, eventually):
    """Also with an open association: no thread and no process of it is left."""
    before = set(threading.enumerate())
    for _ in range(3):
        with run_node(configured({})) as node, scanner_of(node).associated() as association:
            assert association.store(patient()[0]) == 0
            node.stop()
            with pytest.raises(AssociationEnded):
                association.store(patient()[0])
    eventually("the threads to end", lambda: set(threading.enumerate()) <= before, seconds=20)
    assert multiprocessing.active_children() == []
