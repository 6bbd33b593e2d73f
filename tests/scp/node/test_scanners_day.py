"""A scanner reports its procedure steps: a series is scored when its step says so, once, and not before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE

from dicom.sop_classes import PERFORMED_PROCEDURE_STEP
from scoring.result import Score
from scp.reception.completion import STEP_OPEN
from storage.series import lifecycle, results, states, step_changes
from storage.series.states import State

pytestmark = pytest.mark.component

QUIET = 1
NEVER = {"quiet_seconds": 600, "gap_deadline_seconds": 600, "hold_seconds": 600}
"""Nothing but a procedure step can complete a series."""


class Step:
    """The scanner's side of a procedure step, by pynetdicom."""

    def __init__(self, port: int, images: Sequence[Dataset]) -> None:
        self._port, self._images = port, images
        self.uid = generate_uid()

    def begin(self) -> None:
        scheduled = Dataset()
        scheduled.StudyInstanceUID = self._images[0].StudyInstanceUID
        step = Dataset()
        step.ScheduledStepAttributesSequence = [scheduled]
        step.PerformedProcedureStepID, step.PerformedStationAETitle = "1", "SCANNER"
        step.PerformedProcedureStepStartDate, step.PerformedProcedureStepStartTime = "20260302", "080000"
        step.PerformedProcedureStepStatus, step.Modality, step.PerformedSeriesSequence = "IN PROGRESS", "CT", []
        with self._associated() as association:
            answer, _ = association.send_n_create(step, PERFORMED_PROCEDURE_STEP, self.uid)
        assert answer.Status == 0x0000

    def end(self, state: str, why: str = "") -> None:
        series = Dataset()
        series.SeriesInstanceUID, series.ProtocolName = self._images[0].SeriesInstanceUID, "Calcium"
        series.ReferencedImageSequence = [refer(image) for image in self._images]
        step = Dataset()
        step.PerformedProcedureStepStatus, step.PerformedSeriesSequence = state, [series]
        step.PerformedProcedureStepEndDate, step.PerformedProcedureStepEndTime = "20260302", "081000"
        if why:
            reason = Dataset()
            reason.CodeValue, reason.CodingSchemeDesignator, reason.CodeMeaning = "110514", "DCM", why
            step.PerformedProcedureStepDiscontinuationReasonCodeSequence = [reason]
        with self._associated() as association:
            answer, _ = association.send_n_set(step, PERFORMED_PROCEDURE_STEP, self.uid)
        assert answer.Status == 0x0000

    @contextmanager
    def _associated(self) -> Iterator:
        ae = AE("SCANNER")
        ae.add_requested_context(PERFORMED_PROCEDURE_STEP)
        association = ae.associate("127.0.0.1", self._port, ae_title="CORONODE")
        assert association.is_established
        try:
            yield association
        finally:
            association.release()


def refer(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, image.SOPInstanceUID
    return item


def is_held(node, uid: str) -> bool:
    return states.get(node.database, uid).wait_reason == STEP_OPEN


def test_pause_longer_than_the_quiet_time(patient, configured, run_node, scanner_of, eventually, state_of, pacs):
    """One report, made on completion and not before."""
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    completion = NEVER | {"quiet_seconds": QUIET}
    with run_node(configured({"PACS": pacs.port}, completion=completion)) as node:
        step, scanner = Step(node.server.port, images), scanner_of(node)
        step.begin()
        assert scanner.send(images[:12]) == [0] * 12
        eventually("the series to be held in the pause", lambda: is_held(node, uid))
        assert set(scanner.send(images[12:])) == {0}
        eventually("the series to be held at the end", lambda: is_held(node, uid))
        assert pacs.received == []
        step.end("COMPLETED")
        eventually("the report", lambda: state_of(node, uid) == State.DELIVERED)
        found = states.get(node.database, uid)
        assert (found.version, found.flags) == (1, ())
        assert [report.Modality for report in pacs.received] == ["SR"]


@pytest.mark.parametrize("order", ["before the images", "in their midst", "after them"])
def test_completed_at_any_time_ends_the_wait_at_once(
    order, patient, configured, run_node, scanner_of, eventually, state_of
):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    parts = {"before the images": 0, "in their midst": 10, "after them": len(images)}
    with run_node(configured({}, completion=NEVER)) as node:
        step = Step(node.server.port, images)
        step.begin()
        with scanner_of(node).associated() as association:  # it stays open: nothing waits for its end
            for number, image in enumerate(images):
                if number == parts[order]:
                    step.end("COMPLETED")
                assert association.store(image) == 0
            if order == "after them":
                assert state_of(node, uid) == State.RECEIVING
                step.end("COMPLETED")
            eventually("the score", lambda: state_of(node, uid) == State.SCORED)
        assert states.get(node.database, uid).version == 1


def test_restart_between_begin_and_end(patient, configured, run_node, scanner_of, eventually, state_of, tmp_path):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    settings = configured({}, tmp_path / "node", completion=NEVER | {"quiet_seconds": QUIET})
    with run_node(settings) as node:
        step = Step(node.server.port, images)
        step.begin()
        assert set(scanner_of(node).send(images)) == {0}
        eventually("the series to be held", lambda: is_held(node, uid))
    with run_node(settings) as node:
        eventually("the series to be held after the start", lambda: is_held(node, uid))
        Step.end(moved(step, node), "COMPLETED")
        eventually("the score", lambda: state_of(node, uid) == State.SCORED)
        assert states.get(node.database, uid).version == 1


def moved(step: Step, node) -> Step:
    """The same step, to a node that listens on another port since its start."""
    step._port = node.server.port
    return step


def test_images_that_do_not_come_are_waited_for_and_told(
    patient, configured, run_node, scanner_of, eventually, state_of
):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    waits = {"quiet_seconds": QUIET, "gap_deadline_seconds": 4}
    with run_node(configured({}, completion=waits)) as node:
        step = Step(node.server.port, images)
        step.begin()
        assert set(scanner_of(node).send(images[:-1])) == {0}
        step.end("COMPLETED")
        reason = f"1 of {len(images)} images announced by the scanner has not come"
        eventually("the wait", lambda: states.get(node.database, uid).wait_reason == reason)
        eventually("the score", lambda: state_of(node, uid) == State.SCORED)
        assert states.get(node.database, uid).flags == (reason,)
        first = Score.from_json(results.get(node.database, uid, 1).score_json)
        (flag,) = [flag for flag in first.flags if flag.code == "announced_images"]
        assert flag.values == {"count": 1, "expected": len(images)}

        assert scanner_of(node).send(images[-1:]) == [0]
        eventually("the next result", lambda: results.get(node.database, uid, 2) is not None)
        second = Score.from_json(results.get(node.database, uid, 2).score_json)
        assert "announced_images" not in {flag.code for flag in second.flags}


def test_discontinued_is_not_scored_until_an_operator_wants_it(
    patient, configured, run_node, scanner_of, eventually, state_of
):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    settings = configured({}, completion={"quiet_seconds": QUIET})
    with run_node(settings) as node:
        step = Step(node.server.port, images)
        step.begin()
        assert set(scanner_of(node).send(images)) == {0}
        step.end("DISCONTINUED", "Incorrect worklist entry selected")
        eventually("a verdict", lambda: state_of(node, uid) == State.NOT_SCORABLE)
        found = states.get(node.database, uid)
        assert found.reason_code == "acquisition_discontinued"
        assert "(Incorrect worklist entry selected)" in found.reason
        step_changes.overrule(node.database, uid)
        lifecycle.rescore(node.database, uid, datetime.now(UTC))
        eventually("the score", lambda: state_of(node, uid) == State.SCORED)
