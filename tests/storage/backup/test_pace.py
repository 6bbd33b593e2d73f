"""A limit on reading."""

from storage.backup.pace import Pacer


def test_reading_keeps_to_the_rate():
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    pace = Pacer(100, clock=lambda: now[0], sleep=sleep)
    for _ in range(5):
        pace(50)
    assert now[0] == 2.5
    now[0] = 100.0
    pace(50)  # a pause is not made up for
    assert slept[-1] == 0.5


def test_without_a_rate_nothing_waits():
    Pacer(0, sleep=None)(1000)
