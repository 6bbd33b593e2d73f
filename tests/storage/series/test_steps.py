from datetime import timedelta

import pytest

from storage.database import audit
from storage.series import expectations, lifecycle, states, step_changes, steps
from storage.series.expectations import Expectation
from storage.series.states import State
from storage.series.step_changes import Changes, EndedStep, KnownStep, UnknownStep
from storage.series.steps import Reason, Step, StepState

SERIES, OTHER, STUDY = "1.2.1.1", "1.2.1.2", "1.2.1"
STEP = Step("1.2.9.1", modality="CT", station_ae="CT1", started="20260302 0800", calling_ae="CT1")
WRONG = Reason("110514", "DCM", "Incorrect worklist entry selected")


def images(*numbers: int, series: str = SERIES) -> frozenset[str]:
    return frozenset(f"{series}.{number}" for number in numbers)


def begin(node, uid: str = STEP.sop_instance_uid, modality: str = "CT", study: str = STUDY, series=None) -> None:
    step_changes.create(node.db, Step(uid, modality=modality), [study], series or {}, node.at(0))


def end(node, state: StepState, seconds: float = 20, uid: str = STEP.sop_instance_uid, **changes) -> list[str]:
    return step_changes.change(node.db, uid, Changes(state, **changes), node.at(seconds))


def completed(node, seconds: float = 20, uid: str = STEP.sop_instance_uid, **changes) -> list[str]:
    return end(node, StepState.COMPLETED, seconds, uid, **changes)


def listed(node, series: str = SERIES) -> list[Expectation]:
    return expectations.list_expectations(node.db, series)


class TestRules:
    """PS3.4 F.7.2: a step is created once, and changed until it is completed or discontinued."""

    def test_created_once(self, node):
        begin(node)
        with pytest.raises(KnownStep):
            begin(node)
        assert steps.list_steps(node.db, SERIES) == []

    def test_unknown(self, node):
        with pytest.raises(UnknownStep):
            completed(node)

    @pytest.mark.parametrize("state", [StepState.COMPLETED, StepState.DISCONTINUED])
    def test_ended_once(self, node, state):
        begin(node, series={SERIES: images(1)})
        end(node, state)
        for later in StepState:
            with pytest.raises(EndedStep):
                end(node, later)
        assert steps.list_steps(node.db, SERIES)[0].state == state

    def test_what_is_known_of_it(self, node):
        step_changes.create(node.db, STEP, [STUDY], {SERIES: images(1)}, node.at(0))
        end(node, StepState.DISCONTINUED, ended="20260302 0810", reason=WRONG)
        (step,) = steps.list_steps(node.db, SERIES)
        assert (step.station_ae, step.started, step.ended) == ("CT1", "20260302 0800", "20260302 0810")
        assert str(step.reason) == "Incorrect worklist entry selected"


class TestOpen:
    def test_step_in_progress_holds_the_series_of_its_study(self, node):
        begin(node)
        node.series(1)
        node.series(1, "1.2.7.1", StudyInstanceUID="1.2.7")
        assert steps.is_open(node.db, SERIES)
        assert not steps.is_open(node.db, "1.2.7.1")
        completed(node)
        assert not steps.is_open(node.db, SERIES)

    @pytest.mark.parametrize(("modality", "holds"), [("CT", True), ("PT", True), ("", True), ("MR", False)])
    def test_step_on_another_kind_of_scanner_does_not(self, node, modality, holds):
        begin(node, modality=modality)
        node.series(1)
        assert steps.is_open(node.db, SERIES) is holds

    def test_step_that_names_the_series_decides(self, node):
        begin(node, series={SERIES: images(1)})
        completed(node)
        begin(node, "1.2.9.2")
        node.series(1)
        node.series(1, OTHER)
        assert not steps.is_open(node.db, SERIES)
        assert steps.is_open(node.db, OTHER)

    def test_named_in_a_step_of_another_study(self, node):
        begin(node, study="1.2.7", series={SERIES: frozenset()})
        node.series(1)
        assert steps.is_open(node.db, SERIES)


class TestAnnounced:
    def test_images_named_in_progress_are_not_the_last_word(self, node):
        begin(node)
        step_changes.change(node.db, "1.2.9.1", Changes(series={SERIES: images(1, 2)}), node.at(1))
        assert listed(node) == [Expectation("mpps", "1.2.9.1", 2, 2, final=False)]

    def test_completed_with_its_list(self, node):
        begin(node)
        node.series(2)
        assert completed(node, series={SERIES: images(1, 2, 3), OTHER: frozenset()}) == [SERIES]
        assert listed(node) == [Expectation("mpps", "1.2.9.1", 3, 1, final=True)]
        assert listed(node, OTHER) == []  # no image of it is named: nothing to go by

    def test_completed_without_a_list_takes_the_one_before(self, node):
        begin(node, series={SERIES: images(1, 2)})
        assert completed(node) == []  # nothing of it is being received
        assert listed(node) == [Expectation("mpps", "1.2.9.1", 2, 2, final=True)]

    def test_completed_without_any_list_concerns_what_it_held(self, node):
        begin(node)
        node.series(1)
        node.series(1, OTHER)
        node.complete(OTHER, 5)
        assert completed(node) == [SERIES]

    def test_a_list_takes_the_place_of_the_one_before(self, node):
        begin(node, series={SERIES: images(1), OTHER: images(1, series=OTHER)})
        completed(node, series={SERIES: images(1, 2)})
        assert listed(node, OTHER) == []
        assert [item.expected for item in listed(node)] == [2]

    def test_history_of_the_series(self, node):
        begin(node, series={SERIES: images(1)})
        completed(node)
        (event,) = audit.list_events(node.db, series_instance_uid=SERIES, kind="procedure-step")
        assert event.text == "COMPLETED 1.2.9.1"

    def test_finished_series_that_lacks_an_image_returns_to_receiving(self, node):
        begin(node)
        node.series(2)
        node.complete(SERIES, 5)
        completed(node, series={SERIES: images(1, 2, 3)})
        assert states.get(node.db, SERIES).state == State.RECEIVING


class TestDiscontinued:
    def test_withdraws_what_was_announced_and_says_why(self, node):
        begin(node, series={SERIES: images(1, 2)})
        end(node, StepState.DISCONTINUED, reason=WRONG)
        assert listed(node) == []
        assert steps.find_discontinued(node.db, SERIES).reason == WRONG
        assert steps.find_discontinued(node.db, OTHER) is None

    def test_finished_series_is_looked_at_again(self, node):
        begin(node, series={SERIES: images(1)})
        node.series(1)
        node.complete(SERIES, 5)
        lifecycle.finish(node.db, SERIES, 1, "{}", "scored", now=node.at(6))
        end(node, StepState.DISCONTINUED)
        assert states.get(node.db, SERIES).state == State.RECEIVING

    def test_later_step_with_the_series_counts(self, node):
        for uid in ("1.2.9.1", "1.2.9.2"):
            begin(node, uid, series={SERIES: images(1)})
        end(node, StepState.DISCONTINUED, 20)
        completed(node, 21, "1.2.9.2")
        assert steps.find_discontinued(node.db, SERIES) is None

    def test_operator_overrules(self, node):
        begin(node, series={SERIES: images(1)})
        end(node, StepState.DISCONTINUED)
        step_changes.overrule(node.db, SERIES)
        assert steps.find_discontinued(node.db, SERIES) is None


def test_old_steps_are_forgotten_unless_their_series_is_here(node):
    begin(node, series={SERIES: images(1)})
    begin(node, "1.2.9.2", series={OTHER: images(1, series=OTHER)})
    node.series(1)
    later = node.at(0) + expectations.KEEP + timedelta(seconds=1)
    step_changes.create(node.db, Step("1.2.9.3"), [STUDY], {}, later)
    assert [step.sop_instance_uid for step in steps.list_steps(node.db, SERIES)] == ["1.2.9.1"]
    assert steps.list_steps(node.db, OTHER) == []
    assert listed(node) == listed(node, OTHER) == []
