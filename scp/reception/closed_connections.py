"""Connections that were closed before they were an association: counted, and logged once a minute for each address.

Load balancers and port scanners connect many times a minute; the log says so once, and the metric counts each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

import structlog

from scp import metrics
from scp.peer_events import Note, ignore
from scp.reception.refusal_events import make_refusal
from scp.repeats import Repeats

log = structlog.get_logger(__name__)

Why = Literal["stranger", "silent", "tls"]
_WORDS: Final = {
    "stranger": "no peer has this address: add it to [peers], or correct the peer's host",
    "silent": "many connections that ask for no association: the oldest made room",
    "tls": "no secure connection",
}


class ClosedConnections:
    """Notes each closed connection, for the audit log by `audit`; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, audit: Note = ignore) -> None:
        self._repeats = Repeats(clock)
        self._audit = audit

    def note(self, why: Why, address: str, details: str = "") -> None:
        """Count a closed connection, and log it unless the same was logged for this address within a minute.

        `details` come from a limited number of sentences: each is logged of its own.
        """
        metrics.REFUSED.labels(why).inc()
        reason = f"{_WORDS[why]}: {details}" if details else _WORDS[why]
        self._audit(make_refusal(why, address, reason))
        left_out = self._repeats.take((why, address, details))
        if left_out is not None:
            log.warning("connection closed", host=address, count=left_out + 1, reason=reason)
