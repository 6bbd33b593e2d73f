from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import CompletionSettings
from scp.reception.completion import Completion, Gap, Regular, Watch, judge
from storage.series.slices import SliceGeometry

QUIET = CompletionSettings(quiet_seconds=10, gap_deadline_seconds=100, hold_seconds=60)


@dataclass(eq=False)
class Association:
    alive: bool = True

    def is_alive(self) -> bool:
        return self.alive


def at(z: float, **changes) -> SliceGeometry:
    plain = SliceGeometry(
        sop_instance_uid=f"1.2.{round(z * 1000)}",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        instance_number=None,
        acquisition_number=1,
        position=(0.0, 0.0, z),
        row_direction=(1.0, 0.0, 0.0),
        column_direction=(0.0, 1.0, 0.0),
        rows=512,
        columns=512,
        pixel_spacing=(0.4, 0.4),
        slice_thickness=3.0,
        frame_of_reference_uid="1.2",
        image_type=(),
        convolution_kernel="",
        number_of_frames=1,
    )
    return replace(plain, **changes)


class TestWatch:
    def test_quiet_series_is_due_and_each_instance_restarts_the_timer(self):
        watch = Watch(QUIET)
        watch.note_instance("A", 0)
        watch.note_instance("A", 9)
        assert watch.list_due(18.9) == []
        assert watch.list_due(19) == ["A"]

    def test_open_association_holds_the_series(self):
        watch, association = Watch(QUIET), Association()
        watch.note_instance("A", 0, association)
        assert watch.list_due(59) == []
        association.alive = False
        assert watch.list_due(59) == ["A"]

    def test_association_that_never_ends_holds_no_longer_than_configured(self):
        watch = Watch(QUIET)
        watch.note_instance("A", 0, Association())
        assert watch.list_due(59.9) == []
        assert watch.list_due(60) == ["A"]

    def test_each_of_several_associations_holds(self):
        watch, one, two = Watch(QUIET), Association(), Association()
        watch.note_instance("A", 0, one)
        watch.note_instance("A", 0, two)
        one.alive = False
        assert watch.list_due(20) == []

    def test_series_have_timers_of_their_own(self):
        watch = Watch(QUIET)
        watch.note_instance("A", 0)
        watch.note_instance("B", 5)
        assert watch.list_due(10) == ["A"]

    def test_instance_between_due_and_forget_is_not_forgotten(self):
        watch = Watch(QUIET)
        watch.note_instance("A", 0)
        watch.note_instance("A", 10)
        watch.forget("A", 10)
        assert watch.list_due(20) == ["A"]

    def test_put_off_until_a_time_or_the_next_instance(self):
        watch = Watch(QUIET)
        watch.note_instance("A", 0)
        watch.put_off("A", 50)
        assert watch.list_due(49) == []
        assert watch.list_due(50) == ["A"]
        watch.note_instance("A", 20)
        assert watch.list_due(30) == ["A"]

    def test_adopting_does_not_restart(self):
        watch = Watch(QUIET)
        watch.note_instance("A", 0)
        watch.adopt("A", 9)
        assert watch.list_due(10) == ["A"]


class TestJudge:
    def test_uniform_slices_are_regular_in_any_order(self):
        assert judge([at(z) for z in (9, 0, 6, 3)]) == Regular()

    @given(
        st.integers(4, 60),
        st.floats(0.5, 5),
        st.tuples(*[st.floats(-1, 1)] * 6),
        st.floats(-500, 500),
        st.data(),
    )
    def test_missing_slices_are_counted_in_any_orientation(self, count, step, directions, start, data):
        along_row, along_column = np.array(directions[:3]), np.array(directions[3:])
        normal = np.cross(along_row, along_column)
        if np.linalg.norm(normal) < 0.1:
            along_row, along_column = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
            normal = np.cross(along_row, along_column)
        along_row /= np.linalg.norm(along_row)
        normal /= np.linalg.norm(normal)
        along_column = np.cross(normal, along_row)
        lost = data.draw(st.sets(st.integers(1, count - 2), max_size=max(0, (count - 3) // 4)))
        slices = [
            at(
                index,
                position=tuple((start + index * step) * normal + 5 * along_row),
                row_direction=tuple(along_row),
                column_direction=tuple(along_column),
            )
            for index in range(count)
            if index not in lost
        ]
        assert judge(slices) == (Gap(len(lost)) if lost else Regular())

    def test_a_slice_sent_under_two_uids_is_no_gap(self):
        assert judge([at(0), at(3), at(3, sop_instance_uid="9"), at(6)]) == Regular()

    def test_rounded_positions_are_regular(self):
        assert judge([at(round(index * 0.625, 2)) for index in range(40)]) == Regular()

    def test_localizers_among_the_slices_do_not_count(self):
        scout = at(0, row_direction=(0.0, 1.0, 0.0), column_direction=(0.0, 0.0, -1.0))
        assert judge([scout, *[at(z) for z in (0, 3, 6, 9)]]) == Regular()

    def test_scout_whose_type_says_axial_does_not_count(self):
        scout = at(300, row_direction=(1.0, 0.0, 0.0), column_direction=(0.0, 0.0, -1.0), rows=888)
        assert judge([scout, *[at(z) for z in range(0, 60, 3)]]) == Regular()
        named = at(300, image_type=("ORIGINAL", "PRIMARY", "SCOUT"))
        assert judge([named, *[at(z) for z in range(0, 60, 3)]]) == Regular()

    def test_monitoring_slices_make_no_gap_and_fill_none(self):
        series = [at(z) for z in range(0, 60, 3)]
        above = [at(90, sop_instance_uid=f"9.{n}", acquisition_number=9) for n in range(40)]
        assert judge([*series, *above]) == Regular()
        within = [at(27, sop_instance_uid=f"9.{n}", convolution_kernel="B30f", slice_thickness=10.0) for n in range(40)]
        assert judge([*(item for item in series if item.position[2] != 27), *within]) == Gap(1)

    def test_slice_of_another_reconstruction_fills_no_gap(self):
        series = [at(z, convolution_kernel="B35f") for z in range(0, 60, 3) if z != 27]
        assert judge([*series, at(27, convolution_kernel="B70f")]) == Gap(1)
        assert judge([*series, at(27, convolution_kernel="b35f ")]) == Regular()

    def test_screen_save_without_a_place_makes_no_gap(self):
        save = at(0, position=None, row_direction=None, image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"))
        assert judge([save, *[at(z) for z in range(0, 60, 3)]]) == Regular()

    @pytest.mark.parametrize("slices", [[], [at(0)], [at(0), at(30)], [at(0, position=None)] * 4])
    def test_too_few_to_tell(self, slices):
        assert judge(slices) == Regular()


class Site:
    """Completion with a clock that stands until it is moved."""

    def __init__(self, slices):
        self.now, self.slices, self.completed, self.waiting = 0.0, slices, [], []
        self.refused = 0
        self.completion = Completion(
            QUIET,
            clock=lambda: self.now,
            slices=lambda _: self.slices,
            refused=lambda _: self.refused,
            complete=self._complete,
            wait=lambda uid, seconds, reason: self.waiting.append((uid, seconds, reason)),
        )

    def _complete(self, uid, checked, why):
        assert checked == len(self.slices)
        self.completed.append((uid, list(why)))

    def move(self, to: float) -> None:
        self.now = to
        self.completion.tick()


class TestCompletion:
    def test_whole_series_completes_once(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.completion.note_instance("A")
        site.move(10)
        site.move(30)
        assert site.completed == [("A", [])]

    def test_gap_waits_with_a_reason_and_is_completed_by_the_missing_slice(self):
        site = Site([at(z) for z in (0, 3, 9, 12)])
        site.completion.note_instance("A")
        site.move(10)
        assert site.waiting == [("A", 90, "1 slice missing inside the series")]
        site.slices.append(at(6))
        site.now = 60
        site.completion.note_instance("A")
        site.move(70)
        assert site.completed == [("A", [])]

    def test_gap_is_given_up_at_the_deadline_and_named(self):
        site = Site([at(z) for z in (0, 3, 6, 15, 18)])
        site.completion.note_instance("A")
        site.move(10)
        site.move(99)
        assert site.completed == []
        site.move(100)
        assert site.completed == [("A", ["2 slices missing inside the series"])]

    def test_refused_images_hold_a_series_without_a_gap_until_the_deadline(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.refused = 2
        site.completion.note_instance("A")
        site.move(10)
        reason = "2 images refused at receipt and not stored since"
        assert site.waiting == [("A", 90, reason)]
        site.move(99)
        assert site.completed == []
        site.move(100)
        assert site.completed == [("A", [reason])]

    def test_refused_image_that_is_sent_again_ends_the_wait(self):
        site = Site([at(z) for z in (0, 3, 9, 12)])
        site.refused = 1
        site.completion.note_instance("A")
        site.move(10)
        assert [reason for *_, reason in site.waiting] == [
            "1 slice missing inside the series; 1 image refused at receipt and not stored since"
        ]
        site.slices.append(at(6))
        site.refused = 0
        site.now = 30
        site.completion.note_instance("A")
        site.move(40)
        assert site.completed == [("A", [])]

    def test_series_found_in_the_index_is_watched_from_then_on(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.now = 5
        site.completion.watch("A")
        site.move(14)
        assert site.completed == []
        site.move(15)
        assert site.completed == [("A", [])]

    def test_slice_that_comes_during_the_check_is_checked_too(self):
        """The index refuses a completion of fewer slices than it holds; the late one has restarted the timer."""
        site = Site([at(z) for z in (0, 3, 9, 12)])
        checks = []

        def complete(uid, checked, why):
            if not checks:
                site.slices.append(at(6))
                site.completion.note_instance(uid)
            checks.append((checked, list(why)))
            if checked == len(site.slices):
                site.completed.append((uid, list(why)))

        site.completion = Completion(
            QUIET,
            clock=lambda: site.now,
            slices=lambda _: list(site.slices),
            refused=lambda _: 0,
            complete=complete,
            wait=lambda *_: None,
        )
        site.completion.note_instance("A")
        for now in (10, 100, 109, 110):
            site.move(now)
        assert checks == [(4, ["1 slice missing inside the series"]), (5, [])]
        assert site.completed == [("A", [])]
