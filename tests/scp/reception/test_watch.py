from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.settings import CompletionSettings
from scp.reception.watch import Last, Watch

QUIET = CompletionSettings(quiet_seconds=10, gap_deadline_seconds=100, hold_seconds=60)


@dataclass(eq=False)
class Association:
    alive: bool = True

    def is_alive(self) -> bool:
        return self.alive


def test_quiet_series_is_due_and_each_instance_restarts_the_timer():
    watch = Watch(QUIET)
    watch.note_instance("A", 0)
    watch.note_instance("A", 9)
    assert watch.list_due(18.9) == []
    assert watch.list_due(19) == ["A"]


def test_open_association_holds_the_series():
    watch, association = Watch(QUIET), Association()
    watch.note_instance("A", 0, association)
    assert watch.list_due(59) == []
    association.alive = False
    assert watch.list_due(59) == ["A"]


def test_association_that_never_ends_holds_no_longer_than_configured():
    watch = Watch(QUIET)
    watch.note_instance("A", 0, Association())
    assert watch.list_due(59.9) == []
    assert watch.list_due(60) == ["A"]


def test_each_of_several_associations_holds():
    watch, one, two = Watch(QUIET), Association(), Association()
    watch.note_instance("A", 0, one)
    watch.note_instance("A", 0, two)
    one.alive = False
    assert watch.list_due(20) == []


def test_series_have_timers_of_their_own():
    watch = Watch(QUIET)
    watch.note_instance("A", 0)
    watch.note_instance("B", 5)
    assert watch.list_due(10) == ["A"]


def test_instance_between_due_and_forget_is_not_forgotten():
    watch = Watch(QUIET)
    watch.note_instance("A", 0)
    watch.note_instance("A", 10)
    watch.forget("A", 10)
    assert watch.list_due(20) == ["A"]


def test_put_off_until_a_time_or_the_next_instance():
    watch = Watch(QUIET)
    watch.note_instance("A", 0)
    watch.put_off("A", 50)
    assert watch.list_due(49) == []
    assert watch.list_due(50) == ["A"]
    watch.note_instance("A", 20)
    assert watch.list_due(30) == ["A"]


def test_adopting_does_not_restart():
    watch = Watch(QUIET)
    watch.note_instance("A", 0)
    watch.adopt("A", 9)
    assert watch.list_due(10) == ["A"]


def test_an_instance_that_another_process_stores_restarts_the_timer():
    watch = Watch(QUIET)
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    watch.adopt("A", 0, Last(at, 100))
    watch.adopt("A", 3, Last(at, 103))
    assert watch.list_due(10) == ["A"]
    watch.put_off("A", 50)
    watch.adopt("A", 9, Last(at + timedelta(seconds=108), 1))
    assert watch.list_due(17.9) == []
    assert watch.list_due(18) == ["A"]


def test_our_own_instance_does_not_restart_the_timer_when_the_tables_tell_of_it():
    watch = Watch(QUIET)
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    watch.adopt("A", 0, Last(at, 0))
    watch.note_instance("A", 5)
    watch.adopt("A", 8, Last(at + timedelta(seconds=5), 3.001))
    assert watch.list_due(15) == ["A"]


def test_a_time_of_day_in_the_future_holds_a_series_once():
    watch = Watch(QUIET)
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    watch.adopt("A", 0, Last(at, 0))
    for now in (3, 6, 9, 12):
        watch.adopt("A", now, Last(at + timedelta(hours=1), -3600 + now))
    assert watch.list_due(12.9) == []
    assert watch.list_due(13) == ["A"]


def test_news_is_taken_once_and_can_be_given_back():
    watch = Watch(QUIET)
    watch.adopt("A", 0)
    watch.note_instance("B", 0)
    assert watch.take_news() == ["A", "B"]
    assert watch.take_news() == []
    watch.note_instance("B", 1)
    watch.renew(["A", "unknown"])
    assert watch.take_news() == ["A", "B"]


def test_announcement_restarts_the_timer_and_ends_a_postponement():
    watch = Watch(QUIET)
    watch.note_instance("A", 0)
    watch.put_off("A", 90)
    watch.note_announcement("A", 20)
    assert watch.list_due(29.9) == []
    assert watch.list_due(30) == ["A"]


def test_deadlines_count_what_an_earlier_process_has_waited_and_no_time_of_day():
    watch = Watch(QUIET)
    watch.adopt("A", 0, Last(datetime(2026, 3, 2, tzinfo=UTC), 3600, 80))
    assert watch.list_due(9.9) == []  # the quiet time begins anew
    assert watch.measure_silence("A", 10) == 90
    watch.note_announcement("A", 10)
    assert watch.measure_silence("A", 15) == 5
    watch.adopt("B", 0, Last(datetime(2026, 3, 2, tzinfo=UTC), -5))
    assert watch.measure_silence("B", 1) == 1
