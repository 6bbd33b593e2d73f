"""Each closed connection is counted, but the log names an address once a minute."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from scp.metrics import REGISTRY
from scp.reception.closed_connections import ClosedConnections


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed(clock: Clock) -> ClosedConnections:
    return ClosedConnections(clock)


def count(why: str) -> float:
    return REGISTRY.get_sample_value("coronode_associations_refused_total", {"reason": why}) or 0


def test_the_log_has_one_line_a_minute_for_each_address(closed, clock):
    before = count("stranger")
    with capture_logs() as lines:
        for _ in range(13):
            closed.note("stranger", "192.0.2.1")
            clock.now += 10
        closed.note("stranger", "192.0.2.2")
    assert [(line["host"], line["count"]) for line in lines] == [
        ("192.0.2.1", 1),
        ("192.0.2.1", 6),
        ("192.0.2.1", 6),
        ("192.0.2.2", 1),
    ]
    assert count("stranger") - before == 14


def test_the_reason_says_what_to_do(closed):
    with capture_logs() as lines:
        closed.note("stranger", "192.0.2.1")
        closed.note("silent", "192.0.2.1")
    assert "[peers]" in lines[0]["reason"]
    assert "ask for no association" in lines[1]["reason"]


def test_many_addresses_do_not_fill_the_memory(closed):
    with capture_logs() as lines:
        for number in range(3000):
            closed.note("silent", f"192.0.2.{number}")
        closed.note("silent", "192.0.2.2999")  # still known
        closed.note("silent", "192.0.2.0")  # forgotten, so it is logged again
    assert len(lines) == 3001


def test_another_reason_of_the_same_address_is_logged_at_once(closed):
    with capture_logs() as lines:
        for _ in range(3):
            closed.note("tls", "192.0.2.1", "it shows no certificate")
            closed.note("tls", "192.0.2.1", "it does not speak TLS")
    assert [line["reason"] for line in lines] == [
        "no secure connection: it shows no certificate",
        "no secure connection: it does not speak TLS",
    ]
