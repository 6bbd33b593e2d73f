"""What is said again and again is told once a minute, and how often it was left out."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from scp import logs
from scp.repeats import Repeats


def test_the_first_is_told_then_one_a_minute_with_the_number_left_out():
    now = [0.0]
    repeats = Repeats(lambda: now[0])
    told = {}
    for _ in range(120):
        if (left_out := repeats.take("full")) is not None:
            told[now[0]] = left_out
        now[0] += 0.5
    assert told == {0.0: 0}
    assert repeats.take("full") == 119
    assert repeats.take("other") == 0


def test_what_is_told_is_forgotten_when_there_is_too_much_of_it():
    repeats = Repeats(lambda: 0.0)
    for number in range(2000):
        assert repeats.take(number) == 0
    assert repeats.take(1999) is None
    assert repeats.take(0) == 0


@pytest.fixture
def written(capsys):
    """The events written since it was last asked; the log is that of pytest again afterwards."""
    root = logging.getLogger()
    handlers, level, settings = list(root.handlers), root.level, structlog.get_config()
    logs.configure("info", "json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.configure(**settings)


def test_the_log_leaves_out_what_it_has_just_said(written):
    log = structlog.get_logger("ours")
    for _ in range(3):
        log.warning("object refused", reason="the disk is full", calling="CT1")
    log.warning("object refused", reason="the disk is full", calling="CT2")
    for _ in range(2):
        log.info("association ended", objects=1)
    assert [(line["event"], line.get("calling")) for line in written()] == [
        ("object refused", "CT1"),
        ("object refused", "CT2"),
        ("association ended", None),
        ("association ended", None),
    ]


def test_lines_of_libraries_are_the_same_where_only_numbers_differ(written):
    log = logging.getLogger("dbos")
    for number in range(5):
        log.warning("queue %d failed at 0x7f%d: disk is full", number, number)
    log.warning("something else")
    assert len(written()) == 2


def test_the_next_line_says_how_many_were_left_out(written, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(logging.getLogger().handlers[0].filters[0], "_repeats", Repeats(lambda: now[0]))
    log = structlog.get_logger("ours")
    for _ in range(4):
        log.error("reconciliation failed; will retry")
        logging.getLogger("dbos").error("no room")
    now[0] += 61
    log.error("reconciliation failed; will retry")
    logging.getLogger("dbos").error("no room")
    lines = written()
    assert [line.get("repeated") for line in lines] == [None, None, 3, None]
    assert lines[3]["event"] == "no room (repeated 3 times)"
