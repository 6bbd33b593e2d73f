"""Copies go when there is no room for them, the longest unused first, and never one in use."""

from __future__ import annotations

import os
import time

import pytest

from storage.objects.cache import IN_USE_SECONDS, Cache

KIB = 1024


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "copies", 100 * KIB)


@pytest.fixture
def put(cache, tmp_path):
    """`put(name)`: a copy of 10 KiB that has just been asked for."""

    def make(name):
        path = tmp_path / "new"
        path.write_bytes(bytes(10 * KIB))
        return cache.take(path, f"instances/{name}")

    return make


def age(places, seconds=IN_USE_SECONDS + 100):
    """Let copies have been asked for so long ago, one a second, the first of them first."""
    for number, place in enumerate(places):
        used = time.monotonic() - seconds + number
        os.utime(place, (used, used))


def test_the_longest_unused_goes_first(cache, put):
    places = [put(number) for number in range(12)]
    age(places)
    cache.tidy()
    assert [place.exists() for place in places] == [False] * 3 + [True] * 9


def test_what_is_in_use_stays_whatever_the_limit_says(cache, put):
    places = [put(number) for number in range(30)]
    cache.tidy()
    assert all(place.exists() for place in places)


def test_asking_for_a_copy_keeps_it(cache, put):
    places = [put(number) for number in range(12)]
    age(places)
    assert cache.find("instances/0") == places[0]
    cache.tidy()
    assert places[0].exists()
    assert not places[1].exists()


def test_what_nobody_asked_for_in_a_day_goes(cache, put):
    place = put(1)
    age([place], 25 * 3600)
    cache.tidy()
    assert not place.exists()


def test_room_is_made_as_copies_come(put):
    places = [put(number) for number in range(20)]
    age(places)
    put(20)
    assert sum(place.exists() for place in places) == 8


def test_copies_of_an_earlier_start_of_the_machine_go(cache, put, tmp_path):
    torn = tmp_path / "copies/another-boot/instances/1"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"torn")
    place = put(1)
    cache.sweep()
    assert not torn.exists()
    assert place.exists()


def test_a_clock_that_jumps_moves_nothing(cache, put, monkeypatch):
    places = [put(number) for number in range(30)]
    monkeypatch.setattr(time, "time", lambda: 4e9)
    cache.tidy()
    assert all(place.exists() for place in places)
