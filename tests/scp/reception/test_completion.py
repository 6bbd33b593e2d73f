import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from config.errors import Transient
from config.settings import CompletionSettings
from scp.reception.completion import STEP_OPEN, Completion
from scp.reception.watch import Last
from storage.series.expectations import Expectation

from .conftest import at

QUIET = CompletionSettings(quiet_seconds=10, gap_deadline_seconds=100, hold_seconds=60)


@dataclass(eq=False)
class Association:
    alive: bool = True

    def is_alive(self) -> bool:
        return self.alive


class Site:
    """Completion with a clock that stands until it is moved; it is the facts, too."""

    def __init__(self, slices):
        self.now, self.slices, self.completed, self.waiting = 0.0, slices, [], []
        self.refused, self.announced, self.is_open, self.during_check = 0, [], False, None
        self.noted = []
        self.is_held, self.receiving, self.marks, self.is_on_duty = False, {}, {}, True
        self.completion = Completion(
            QUIET,
            clock=lambda: self.now,
            facts=self,
            complete=self._complete,
            wait=lambda uid, seconds, reason: self.waiting.append((uid, seconds, reason)),
            duties=self,
        )

    def holds(self, duty):
        return self.is_on_duty and duty == "completion"

    def is_association_open(self, _):
        return self.is_held

    def list_receiving(self):
        return self.receiving

    def list_marks(self):
        return self.marks

    def note_silences(self, silences):
        self.noted += [(each.series_instance_uid, each.seconds) for each in silences]

    def list_slices(self, _):
        return list(self.slices)

    def count_refused(self, _):
        return self.refused

    def list_expectations(self, _):
        """What each source announced: how many images, and whether it was its last word."""
        return [
            Expectation(source, "1.2.9", count, max(0, count - len(self.slices)), final)
            for source, count, final in self.announced
        ]

    def find_announced(self, uids):
        return {uid for uid in uids if any(final for *_, final in self.announced)}

    def is_step_open(self, _):
        return self.is_open

    def _complete(self, uid, checked, why):
        if self.during_check is not None:
            self.during_check()
            self.during_check = None
        if checked == len(self.slices):
            self.completed.append((uid, list(why)))

    def find(self, uid: str, seconds_ago: float, number: int = 1, silent_seconds: float = 0) -> None:
        """Look at tables in which another process has stored an instance, the `number`-th."""
        at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=number)
        self.receiving = {uid: Last(at, seconds_ago, silent_seconds)}
        self.completion.look()

    def move(self, to: float) -> None:
        self.now = to
        self.completion.tick()

    def receive(self, z: float, to: float) -> None:
        self.slices.append(at(z))
        self.now = to
        self.completion.note_instance("A")
        self.completion.tick()


def test_whole_series_completes_once():
    site = Site([at(z) for z in (0, 3, 6, 9)])
    site.completion.note_instance("A")
    site.move(10)
    site.move(30)
    assert site.completed == [("A", [])]


def test_gap_waits_with_a_reason_and_is_completed_by_the_missing_slice():
    site = Site([at(z) for z in (0, 3, 9, 12)])
    site.completion.note_instance("A")
    site.move(10)
    assert site.waiting == [("A", 90, "1 slice missing inside the series")]
    site.slices.append(at(6))
    site.now = 60
    site.completion.note_instance("A")
    site.move(70)
    assert site.completed == [("A", [])]


def test_gap_is_given_up_at_the_deadline_and_named():
    site = Site([at(z) for z in (0, 3, 6, 15, 18)])
    site.completion.note_instance("A")
    site.move(10)
    site.move(99)
    assert site.completed == []
    site.move(100)
    assert site.completed == [("A", ["2 slices missing inside the series"])]


def test_refused_images_hold_a_series_without_a_gap_until_the_deadline():
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


def test_refused_image_that_is_sent_again_ends_the_wait():
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


def test_series_found_in_the_index_is_watched_from_then_on():
    site = Site([at(z) for z in (0, 3, 6)])
    site.now = 5
    site.find("A", 0)
    site.move(14)
    assert site.completed == []
    site.move(15)
    assert site.completed == [("A", [])]


def test_deadline_survives_a_restart():
    site = Site([at(z) for z in (0, 3, 9, 12)])
    site.find("A", seconds_ago=3600, silent_seconds=85)  # the node was down for a while, or the clock has jumped
    site.move(9.9)
    assert site.completed == []
    site.move(10)
    assert site.waiting == [("A", 5, "1 slice missing inside the series")]
    site.move(15)
    assert site.completed == [("A", ["1 slice missing inside the series"])]


def test_what_was_waited_is_kept_for_the_next_process():
    site = Site([at(z) for z in (0, 3, 9, 12)])
    site.find("A", 0)
    site.move(9)
    site.find("A", 9)
    assert site.noted == []
    site.move(10)  # waits from now on
    site.now = 59
    site.find("A", 59)
    assert site.noted == []
    site.now = 60
    site.find("A", 60)
    assert site.noted == [("A", 60)]
    site.now = 80
    site.completion.start()
    site.completion.stop()
    assert site.noted == [("A", 60), ("A", 80)]


def test_who_is_not_on_duty_keeps_nothing():
    site = Site([at(z) for z in (0, 3, 9, 12)])
    site.find("A", 0)
    site.move(10)
    site.completion.start()
    site.is_on_duty = False
    site.completion.stop()
    assert site.noted == []


def test_slice_that_comes_during_the_check_is_checked_too():
    """The index refuses a completion of fewer slices than it holds; the late one has restarted the timer."""
    site = Site([at(z) for z in (0, 3, 9, 12)])
    site.completion.note_instance("A")
    site.move(10)
    site.during_check = lambda: (site.slices.append(at(6)), site.completion.note_instance("A"))
    for now in (100, 109):
        site.move(now)
        assert site.completed == []
    site.move(110)
    assert site.completed == [("A", [])]


class TestAnnounced:
    def test_last_of_the_announced_images_completes_the_series_at_once(self):
        site = Site([])
        site.announced = [("mpps", 4, True)]
        for number in range(3):
            site.receive(3 * number, to=number)
            assert site.completed == []
        site.receive(9, to=3)
        assert site.completed == [("A", [])]

    def test_an_open_association_does_not_hold_it(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.announced = [("mpps", 4, True)]
        site.completion.note_instance("A", Association())
        site.move(0.25)
        assert site.completed == [("A", [])]

    def test_announcement_after_the_images(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.completion.note_instance("A")
        site.move(5)
        site.announced = [("mpps", 4, True)]
        site.move(5.25)
        assert site.completed == []  # nothing has told it to look
        site.completion.note_announcement("A")
        site.move(5.5)
        assert site.completed == [("A", [])]

    def test_found_after_a_restart_with_all_its_images(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.announced = [("commitment", 4, True)]
        site.find("A", 0)
        site.move(0)
        assert site.completed == [("A", [])]

    def test_images_that_do_not_come_are_told_and_given_up_at_the_deadline(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.announced = [("mpps", 6, True)]
        site.completion.note_instance("A")
        site.move(10)
        reason = "2 of 6 images announced by the scanner have not come"
        assert site.waiting == [("A", 90, reason)]
        site.move(99)
        assert site.completed == []
        site.move(100)
        assert site.completed == [("A", [reason])]

    def test_the_source_that_misses_most_counts(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.announced = [("mpps", 4, True), ("witness", 5, True), ("commitment", 4, True)]
        site.completion.note_instance("A")
        site.move(10)
        assert [reason for *_, reason in site.waiting] == ["1 of 5 images counted by the source has not come"]

    def test_word_that_is_not_the_last_ends_no_wait(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.announced = [("witness", 4, False)]
        site.completion.note_instance("A")
        site.move(9.9)
        assert site.completed == []
        site.move(10)
        assert site.completed == [("A", [])]

    def test_all_announced_with_a_gap_waits_as_any_gap(self):
        site = Site([at(z) for z in (0, 3, 9, 12)])
        site.announced = [("mpps", 4, True)]
        site.completion.note_instance("A")
        site.move(1)
        assert site.completed == []
        site.move(10)
        assert site.waiting == [("A", 90, "1 slice missing inside the series")]

    def test_database_that_is_away_is_asked_again(self, monkeypatch):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.announced = [("mpps", 4, True)]

        def fail(uids):
            raise Transient("away")

        with monkeypatch.context() as patch:
            patch.setattr(site, "find_announced", fail)
            site.completion.note_instance("A")
            with pytest.raises(Transient):
                site.move(0)
        with monkeypatch.context() as patch:
            patch.setattr(site, "list_slices", fail)
            site.move(0.25)
        assert site.completed == []
        site.move(0.5)
        assert site.completed == [("A", [])]


class TestOpenStep:
    def test_pause_longer_than_the_quiet_time_and_completed_when_the_step_is(self):
        site = Site([at(z) for z in (0, 3)])
        site.is_open = True
        site.completion.note_instance("A")
        site.move(10)
        assert site.waiting == [("A", 50, STEP_OPEN)]
        site.receive(6, to=40)
        site.receive(9, to=41)
        site.move(99)
        assert site.completed == []
        site.is_open, site.announced = False, [("mpps", 4, True)]
        site.completion.note_announcement("A")
        site.move(99.25)
        assert site.completed == [("A", [])]

    def test_step_that_never_ends_holds_no_longer_than_an_association_would(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.is_open = True
        site.completion.note_instance("A")
        for now in (10, 59.9):
            site.move(now)
            assert site.completed == []
        site.move(60)
        assert site.completed == [("A", [STEP_OPEN])]

    def test_step_that_ends_without_a_list_leaves_it_to_the_quiet_time(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.is_open = True
        site.completion.note_instance("A")
        site.move(10)
        site.is_open = False
        site.now = 20
        site.completion.note_announcement("A")
        site.move(29.9)
        assert site.completed == []
        site.move(30)
        assert site.completed == [("A", [])]

    def test_announced_by_another_source_waits_for_the_step(self):
        site = Site([at(z) for z in (0, 3, 6, 9)])
        site.is_open, site.announced = True, [("commitment", 4, True)]
        site.completion.note_instance("A")
        site.move(1)
        assert site.completed == []
        site.move(10)
        assert (site.completed, site.waiting) == ([], [("A", 50, STEP_OPEN)])


class TestInAGroup:
    """Images, associations and announcements of other processes, as the tables tell of them."""

    def test_an_association_of_another_process_holds_a_series_open(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.is_held = True
        site.find("A", 0)
        site.move(10)
        site.move(59)
        assert site.completed == []
        site.is_held = False
        site.move(60)
        assert site.completed == [("A", [])]

    def test_one_that_stays_open_holds_it_no_longer_than_hold_seconds(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.is_held = True
        site.find("A", 0)
        for second in range(60):
            site.move(second)
        assert site.completed == []
        site.move(60)
        assert site.completed == [("A", [])]

    def test_an_image_that_another_process_stores_restarts_the_quiet_time_whatever_its_clock_says(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.find("A", 0)
        site.now = 8
        site.find("A", 0)
        site.now = 9
        site.find("A", 3600, number=2)  # its clock is an hour late
        site.move(17)
        assert site.completed == []
        site.move(18)
        assert site.completed == [("A", [])]

    def test_an_announcement_to_another_process_is_looked_at(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.find("A", 0)
        site.move(1)
        site.announced, site.marks, site.now = [("mpps", 3, True)], {"A": "announced"}, 3
        site.completion.look()
        site.completion.tick()
        assert site.completed == [("A", [])]

    def test_one_to_this_process_does_not_restart_the_quiet_time_again(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.find("A", 0)
        site.now = 1
        site.completion.note_announcement("A")
        site.now, site.marks = 3, {"A": "announced"}
        site.completion.look()
        site.move(11)
        assert site.completed == [("A", [])]

    def test_who_does_not_hold_the_duty_completes_nothing_and_the_next_one_goes_on_from_the_tables(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.is_on_duty = False
        site.completion.note_instance("A")
        site.find("A", 0)
        site.move(100)
        assert site.completed == []
        site.is_on_duty = True
        site.find("A", 100)
        site.move(109)
        assert site.completed == []
        site.move(110)
        assert site.completed == [("A", [])]

    def test_who_has_lost_the_duty_forgets_what_it_watched(self):
        site = Site([at(z) for z in (0, 3, 6)])
        site.completion.note_instance("A")
        site.is_on_duty = False
        site.move(5)
        site.is_on_duty = True
        site.move(100)
        assert site.completed == []


@pytest.mark.parametrize("place", ["list_receiving", "list_slices", "_wait"])
def test_an_outage_is_told_when_it_begins_and_when_it_ends(monkeypatch, place):
    """Whether nothing can be read, or a series alone, or nothing be written; of two series."""
    for name in ("TICK_SECONDS", "_IDLE_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(f"scp.reception.completion.{name}", 0.001)
    site, failures, done = Site([at(z) for z in (0, 3, 9, 12)]), [], threading.Event()
    target = site.completion if place == "_wait" else site
    really, end = getattr(target, place), site.completion._trouble.end

    def fail(*arguments):
        if len(failures) < 20:
            failures.append(arguments)
            raise Transient("away")
        return really(*arguments)

    def tell_end():
        end()
        if len(failures) == 20:
            done.set()

    monkeypatch.setattr(target, place, fail)
    monkeypatch.setattr(site.completion._trouble, "end", tell_end)
    for uid in "AB":
        site.completion.note_instance(uid)
    site.now = 10
    with capture_logs() as lines:
        site.completion.start()
        assert done.wait(60)
        site.completion.stop()
    told = [line["event"] for line in lines if line["event"] != "series waits"]
    assert told == ["completion check failed; will retry", "completion is checked again"]
