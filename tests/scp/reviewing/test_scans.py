"""Scans in memory: read once, and no more than fit."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from config.errors import Permanent, Transient
from scp.reviewing import scans
from scp.reviewing.scans import Scans


@pytest.fixture
def read(monkeypatch):
    """Replaces the reading of images: 100 bytes a scan; `wait` holds it up, `errors` are raised first."""
    asked = SimpleNamespace(series=[], wait=None, errors=[])

    def open_scan(files, automatic):
        asked.series.append(automatic)
        if asked.wait is not None:
            assert asked.wait.wait(10)
        if asked.errors:
            raise asked.errors.pop()
        return SimpleNamespace(bytes=100)

    monkeypatch.setattr(scans, "open_scan", open_scan)
    return asked


def test_a_scan_is_read_once(read):
    kept = Scans(1000)
    first = kept.open("1", 1, "a", ())
    assert kept.open("1", 1, "a", ()) is first
    assert kept.open("1", 2, "b", ()) is not first
    assert read.series == ["a", "b"]


def test_the_one_that_was_used_longest_ago_goes_first(read):
    kept = Scans(250)
    for name in ("1", "2"):
        kept.open(name, 1, name, ())
    kept.open("1", 1, "1", ())
    kept.open("3", 1, "3", ())
    kept.open("1", 1, "1", ())
    assert read.series == ["1", "2", "3"]
    kept.open("2", 1, "2", ())
    assert read.series == ["1", "2", "3", "2"]


def test_one_that_is_larger_than_the_limit_is_kept_all_the_same(read):
    kept = Scans(10)
    first = kept.open("1", 1, "1", ())
    assert kept.open("1", 1, "1", ()) is first


def test_many_readers_at_once_read_it_once(read):
    kept, read.wait = Scans(1000), threading.Event()
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(kept.open("1", 1, "a", ()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    read.wait.set()
    for thread in threads:
        thread.join(10)
    assert len(opened) == 6
    assert len(set(map(id, opened))) == 1
    assert read.series == ["a"]


def test_a_failure_is_tried_again_by_the_next(read):
    kept = Scans(1000)
    read.errors.append(Permanent("gone"))
    with pytest.raises(Permanent):
        kept.open("1", 1, "a", ())
    assert kept.open("1", 1, "a", ())


@pytest.mark.parametrize(
    ("error", "words"),
    [(FileNotFoundError(2, "No such file", "/secret/path"), "from the disk: No such file$"), (MemoryError(), "memory")],
)
def test_a_fault_of_the_machine_is_tried_again_later(read, error, words):
    kept = Scans(1000)
    read.errors.append(error)
    with pytest.raises(Transient, match=words):
        kept.open("1", 1, "a", ())
    assert kept.open("1", 1, "a", ())


def test_whoever_cannot_wait_any_longer_is_told(read, monkeypatch):
    monkeypatch.setattr(scans, "PATIENCE_SECONDS", 0.05)
    kept, read.wait = Scans(1000), threading.Event()
    threads = [threading.Thread(target=kept.open, args=(str(number), 1, "a", ())) for number in range(scans.AT_ONCE)]
    for thread in threads:
        thread.start()
    while len(read.series) < scans.AT_ONCE:
        threading.Event().wait(0.01)
    with pytest.raises(Transient, match="other scans"):
        kept.open("x", 1, "x", ())
    with pytest.raises(Transient, match="still being read"):
        kept.open("0", 1, "a", ())
    read.wait.set()
    for thread in threads:
        thread.join(10)
