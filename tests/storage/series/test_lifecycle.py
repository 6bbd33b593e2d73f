"""The state machine of a series, step by step and driven at random."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from storage.database import audit
from storage.outbox import deliveries, outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document
from storage.series import lifecycle, results, slices, states
from storage.series.states import Finished, IllegalTransition, State, UnknownSeries

UID = "1.2.1.1"


def finish(node, version=1, status="scored", **options):
    return lifecycle.finish(node.db, UID, version, f'{{"version": {version}}}', status, now=node.at(90), **options)


def scored(node):
    node.series()
    version = node.complete(UID, 60)
    assert lifecycle.start_scoring(node.db, UID, version, node.at(61))
    assert finish(node, version) is Finished.RECORDED
    return version


def test_the_straight_way(node):
    node.series(3)
    assert [one.series_instance_uid for one in states.list_receiving(node.db)] == [UID]
    assert node.complete(UID, 60, flags=["gap", "duplicate"], expected=3) == 1
    state = states.get(node.db, UID)
    assert (state.state, state.version, state.flags) == (State.COMPLETE, 1, ("gap", "duplicate"))
    assert state.completed_at == node.at(60)
    assert lifecycle.start_scoring(node.db, UID, 1, node.at(61))
    assert lifecycle.start_scoring(node.db, UID, 1, node.at(62)), "a crash lets the step run again"
    assert states.get(node.db, UID).state == State.SCORING
    assert finish(node) is Finished.RECORDED
    assert states.get(node.db, UID).state == State.SCORED
    assert lifecycle.deliver(node.db, UID, 1, State.DELIVERED, node.at(100))
    assert states.get(node.db, UID).state == State.DELIVERED
    assert results.get(node.db, UID).score_json == '{"version": 1}'
    assert [event.kind for event in reversed(audit.list_events(node.db))] == ["complete", "scored", "delivered"]


def test_not_scorable_keeps_its_reason(node):
    node.series()
    node.complete(UID, 60)
    assert (
        finish(node, status="not_scorable", reason_code="contrast", reason="contrast agent in the header")
        is Finished.RECORDED
    )
    state = states.get(node.db, UID)
    assert (state.state, state.reason_code, state.reason) == (
        State.NOT_SCORABLE,
        "contrast",
        "contrast agent in the header",
    )
    with pytest.raises(IllegalTransition):
        lifecycle.deliver(node.db, UID, 1, State.DELIVERED, node.at(100))


def test_completing_needs_the_slices_that_were_checked(node):
    node.series(3)
    assert node.complete(UID, 60, expected=2) is None
    assert states.get(node.db, UID).state == State.RECEIVING
    assert node.complete(UID, 60, expected=3) == 1
    assert node.complete(UID, 61, expected=3) is None


def test_one_of_many_completes(node):
    node.series()
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda _: node.complete(UID, 60), range(8)))
    assert sorted(versions, key=str) == [1] + [None] * 7


def test_the_callback_and_the_change_happen_together(node):
    node.series()
    seen = []

    def note(session, version):
        seen.append((states.get(session, UID).state, version))
        audit.record(session, node.at(60), "enqueued")

    def fail(session, version):
        note(session, version)
        raise LookupError

    with pytest.raises(LookupError):
        node.complete(UID, 60, in_transaction=fail)
    assert states.get(node.db, UID).state == State.RECEIVING
    assert audit.list_events(node.db) == []
    assert node.complete(UID, 60, in_transaction=note) == 1
    assert seen == [(State.COMPLETE, 1)] * 2
    assert {event.kind for event in audit.list_events(node.db)} == {"complete", "enqueued"}


def test_a_late_slice_makes_the_running_version_out_of_date(node):
    node.series(3)
    node.complete(UID, 60)
    lifecycle.start_scoring(node.db, UID, 1, node.at(61))
    node.store(node.ct(SOPInstanceUID="1.2.1.1.4"), 62)
    assert finish(node, 1) is Finished.SUPERSEDED
    assert results.get(node.db, UID) is None
    assert not lifecycle.start_scoring(node.db, UID, 1, node.at(63))
    assert node.complete(UID, 120) == 2
    assert finish(node, 1) is Finished.SUPERSEDED, "still out of date after the next completion"
    assert finish(node, 2) is Finished.RECORDED
    assert states.get(node.db, UID).state == State.SCORED


@pytest.mark.parametrize("until", ["complete", "scoring", "scored", "delivered", "not_scorable", "undeliverable"])
def test_a_late_slice_returns_every_state_to_receiving(node, until):
    node.series(2)
    node.complete(UID, 60)
    if until != "complete":
        lifecycle.start_scoring(node.db, UID, 1, node.at(61))
    if until not in ("complete", "scoring"):
        finish(node, 1, "not_scorable" if until == "not_scorable" else "scored", reason_code="x", reason="y")
    if until in ("delivered", "undeliverable"):
        lifecycle.deliver(node.db, UID, 1, State(until), node.at(95))
    assert states.get(node.db, UID).state == until
    assert node.store(node.ct(SOPInstanceUID="1.2.1.1.9"), 100).late
    state = states.get(node.db, UID)
    assert (state.state, state.reason, state.version) == (State.RECEIVING, "", 1)
    assert node.complete(UID, 160) == 2


def test_finishing_twice_keeps_the_first_result(node):
    scored(node)
    assert lifecycle.finish(node.db, UID, 1, "other", "not_scorable", now=node.at(99), reason="other") is (
        Finished.KNOWN
    )
    assert states.get(node.db, UID).state == State.SCORED
    assert results.get(node.db, UID).score_json == '{"version": 1}'
    assert not lifecycle.start_scoring(node.db, UID, 1, node.at(99))


@pytest.mark.parametrize("version", [2, 7])
def test_a_version_that_never_was_is_illegal(node, version):
    scored(node)
    with pytest.raises(IllegalTransition, match=f"no version {version}"):
        lifecycle.start_scoring(node.db, UID, version, node.at(99))
    with pytest.raises(IllegalTransition):
        finish(node, version)
    with pytest.raises(IllegalTransition):
        lifecycle.deliver(node.db, UID, version, State.DELIVERED, node.at(99))


def test_kept_series_take_no_part(node):
    node.series(Modality="OT")
    with pytest.raises(IllegalTransition, match="kept"):
        node.complete(UID, 60)
    with pytest.raises(IllegalTransition, match="kept"):
        lifecycle.rescore(node.db, UID, node.at(60))
    with pytest.raises(IllegalTransition):
        lifecycle.start_scoring(node.db, UID, 0, node.at(60))


def test_unknown_series(node):
    for call in (
        lambda: states.get(node.db, UID),
        lambda: node.complete(UID, 0, expected=1),
        lambda: lifecycle.rescore(node.db, UID, node.at(0)),
        lambda: lifecycle.start_scoring(node.db, UID, 1, node.at(0)),
        lambda: finish(node),
    ):
        with pytest.raises(UnknownSeries, match="series list"):
            call()


def test_rescoring_makes_a_new_version(node):
    version = scored(node)
    lifecycle.rescore(node.db, UID, node.at(200))
    assert states.get(node.db, UID).state == State.RECEIVING
    assert node.complete(UID, 201) == version + 1
    assert finish(node, version + 1) is Finished.RECORDED
    assert results.get(node.db, UID).version == version + 1
    assert results.get(node.db, UID, version) is not None


def test_unfinished_is_what_a_start_must_take_up(node):
    for number, uid in enumerate(("1.1", "1.2", "1.3", "1.4", "1.5")):
        node.series(1, uid)
        if number:
            node.complete(uid, 60 + number)
        if number > 1:
            lifecycle.start_scoring(node.db, uid, 1, node.at(70))
        if number > 2:
            lifecycle.finish(node.db, uid, 1, "{}", "scored", now=node.at(80))
    results.set_report(node.db, "1.5", 1, results.Report("1.2.840.1", "9.9", "9.8"))
    assert [(one.series_instance_uid, one.state) for one in states.list_unfinished(node.db)] == [
        ("1.2", State.COMPLETE),
        ("1.3", State.SCORING),
        ("1.4", State.SCORED),
    ]


def test_list_by_state_newest_first(node):
    for number in range(3):
        node.store(node.ct(SeriesInstanceUID=f"1.{number}", SOPInstanceUID=f"1.{number}.1"), number)
    node.complete("1.1", 60)
    assert [one.series_instance_uid for one in states.list_series(node.db)] == ["1.2", "1.1", "1.0"]
    assert [one.series_instance_uid for one in states.list_series(node.db, State.COMPLETE)] == ["1.1"]
    assert [one.series_instance_uid for one in states.list_series(node.db, limit=1, offset=1)] == ["1.1"]


def test_slices_tell_their_geometry(node):
    node.store(
        node.ct(
            SOPInstanceUID="1.1",
            InstanceNumber=4,
            AcquisitionNumber=2,
            ImagePositionPatient=[-100.5, -80, 1e2],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            Rows=512,
            Columns=256,
            PixelSpacing=[0.5, 0.25],
            SliceThickness=3,
            FrameOfReferenceUID="1.9",
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            ConvolutionKernel="Qr36",
        )
    )
    node.store(node.ct(SOPInstanceUID="1.2", NumberOfFrames=30))
    first, second = slices.list_slices(node.db, UID)
    assert (first.position, first.row_direction, first.column_direction) == ((-100.5, -80, 100), (1, 0, 0), (0, 1, 0))
    assert (first.rows, first.columns, first.pixel_spacing, first.slice_thickness) == (512, 256, (0.5, 0.25), 3)
    assert (first.instance_number, first.acquisition_number, first.number_of_frames) == (4, 2, 1)
    assert (first.frame_of_reference_uid, first.convolution_kernel) == ("1.9", "Qr36")
    assert first.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert (second.position, second.rows, second.image_type, second.number_of_frames) == (None, None, (), 30)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (b"1\\-2.5\\3e0 ", (1, -2.5, 3)),
        (b"1,5\\-2,25\\3 ", (1.5, -2.25, 3)),
        (b"", None),
        (b"1\\2 ", None),
        (b"1\\2\\x ", None),
        (b"1\\2\\nan ", None),
    ],
)
def test_a_position_as_stored_or_none(node, text, position):
    image = node.ct(SOPInstanceUID="1.1")
    tag = Tag("ImagePositionPatient")
    image._dict[tag] = RawDataElement(tag, "DS", len(text), text, 0, is_implicit_VR=False, is_little_endian=True)
    node.store(image)
    (found,) = slices.list_slices(node.db, UID)
    assert found.position == position


def test_files_of_a_series_exist(node):
    node.series(3)
    paths = slices.list_files(node.db, node.files, UID)
    assert len(set(paths)) == 3
    assert all(path.is_absolute() and path.is_file() for path in paths)


class Life(RuleBasedStateMachine):
    """One series under random events; a small model says which state must follow."""

    node = None

    def __init__(self):
        super().__init__()
        self.node = type(self).make()
        self.clock = 0
        self.slices = 0
        self.expected, self.version, self.deliveries = None, 0, {}
        self.scored_versions = set()

    def now(self):
        self.clock += 1
        return self.node.at(self.clock)

    @rule()
    def slice_arrives(self):
        self.slices += 1
        late = self.node.store(self.node.ct(SOPInstanceUID=f"1.2.1.1.{self.slices}"), self.clock).late
        assert late == (self.expected not in (None, "receiving"))
        self.expected = "receiving"

    @precondition(lambda self: self.expected)
    @rule()
    def duplicate_arrives(self):
        assert self.node.store(self.node.ct(SOPInstanceUID="1.2.1.1.1"), self.clock).outcome == "duplicate"

    @precondition(lambda self: self.expected)
    @rule()
    def complete(self):
        version = lifecycle.complete(self.node.db, UID, self.now(), expected=self.slices)
        assert (version is not None) == (self.expected == "receiving")
        if version is not None:
            self.version += 1
            assert version == self.version
            self.expected = "complete"

    @precondition(lambda self: self.version)
    @rule(back=st.integers(0, 1))
    def start(self, back):
        version = max(1, self.version - back)
        current = version == self.version and self.expected in ("complete", "scoring")
        assert lifecycle.start_scoring(self.node.db, UID, version, self.now()) == current
        self.expected = "scoring" if current else self.expected

    @precondition(lambda self: self.version)
    @rule(back=st.integers(0, 1), status=st.sampled_from(["scored", "not_scorable"]))
    def finish(self, back, status):
        version = max(1, self.version - back)
        valid = version == self.version and self.expected != "receiving"
        finished = lifecycle.finish(self.node.db, UID, version, "{}", status, now=self.now())
        assert (finished is not Finished.SUPERSEDED) == valid
        assert (finished is Finished.RECORDED) == (valid and self.expected in ("complete", "scoring"))
        if valid and self.expected in ("complete", "scoring"):
            self.expected = status
            self.scored_versions.add(version)

    @precondition(lambda self: self.expected == "scored" and self.version not in self.deliveries.values())
    @rule(count=st.integers(1, 2))
    def publish(self, count):
        document = Document(UID, self.version, f"9.{self.version}", "sr", "x.dcm")
        for delivery in outgoing.add(self.node.db, [document], ["A", "B"][:count], self.now()):
            self.deliveries[delivery] = self.version

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), action=st.sampled_from(["delivered", "dead", "retry", "failed", "discard"]))
    def delivery(self, data, action):
        one = deliveries.get(self.node.db, data.draw(st.sampled_from(sorted(self.deliveries))))
        now = self.now()
        if action == "retry" and one.state in ("dead", "discarded"):
            outgoing.retry(self.node.db, one.id, now)
        elif action == "discard" and one.state in ("dead", "pending"):
            outgoing.discard(self.node.db, one.id, now)
        elif one.state == "pending" and action in ("delivered", "dead", "failed"):
            assert outgoing.claim(self.node.db, one.id, now)
            assert outgoing.claim(self.node.db, one.id, now) is None
            if action == "delivered":
                outcomes.mark_delivered(self.node.db, one.id, now)
            elif action == "dead":
                outcomes.mark_dead(self.node.db, one.id, now, error="refused")
            else:
                outcomes.mark_failed(self.node.db, one.id, now, error="away", retry_at=now)
        if self.expected in ("scored", "delivered", "undeliverable"):
            states = [
                deliveries.get(self.node.db, number).state
                for number, version in self.deliveries.items()
                if version == self.version
            ]
            counted = [state for state in states if state != DeliveryState.DISCARDED]
            if states:
                self.expected = "scored"
            if "dead" in counted:
                self.expected = "undeliverable"
            elif counted and set(counted) == {"delivered"}:
                self.expected = "delivered"

    @precondition(lambda self: self.expected)
    @rule()
    def rescore(self):
        lifecycle.rescore(self.node.db, UID, self.now())
        self.expected = "receiving"

    @invariant()
    def the_state_is_the_models(self):
        if self.expected:
            state = states.get(self.node.db, UID)
            assert (state.state, state.version, state.instance_count) == (self.expected, self.version, self.slices)
            kept = {version for version in range(self.version + 1) if results.get(self.node.db, UID, version)}
            assert kept == self.scored_versions


def test_life_of_a_series(make_node):
    Life.make = staticmethod(make_node)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
