"""What the log says of an association that has ended."""

from __future__ import annotations

from structlog.testing import capture_logs

from scp.network.command import C_ECHO_RQ, C_STORE_RQ
from scp.network.terms import Ended
from scp.reception.association_log import log_association


def test_a_released_association_is_no_warning():
    answers = {(C_STORE_RQ, 0x0000): 40, (C_STORE_RQ, 0xA700): 2, (C_ECHO_RQ, 0x0000): 1}
    with capture_logs() as lines:
        log_association(
            Ended("CT1 [::1]:4711 ab", "CT1", "::ffff:192.0.2.1", "released", "", answers, 21_000_000, 3.21)
        )
    assert lines == [
        {
            "event": "association ended",
            "log_level": "info",
            "association": "CT1 [::1]:4711 ab",
            "calling": "CT1",
            "host": "192.0.2.1",
            "outcome": "released",
            "objects": 40,
            "refused": {"0xA700": 2},
            "requests": 1,
            "bytes": 21_000_000,
            "seconds": 3.21,
        }
    ]


def test_one_that_broke_is_a_warning_with_its_reason():
    with capture_logs() as lines:
        log_association(Ended("CT1", "CT1", "192.0.2.1", "timeout", "nothing received for 60 s", {}, 0, 60.0))
    (line,) = lines
    assert (line["log_level"], line["outcome"], line["reason"]) == ("warning", "timeout", "nothing received for 60 s")
    assert (line["objects"], line["requests"]) == (0, 0)
    assert "refused" not in line
