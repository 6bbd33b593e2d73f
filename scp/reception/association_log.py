"""One line of the log for each association at its end: who, how much, how long, and how it ended."""

from __future__ import annotations

from collections import Counter

import structlog

from dicom import status
from scp.network import command
from scp.network.terms import Ended
from scp.reception.addresses import shorten_address

log = structlog.get_logger(__name__)


def log_association(ended: Ended) -> None:
    """Log an association that has ended; with a warning unless the peer released it.

    `objects` are those answered with Success; `refused` counts the others by status, `requests` all other requests.
    """
    stored = {code: count for (field, code), count in ended.answers.items() if field == command.C_STORE_RQ}
    refused = Counter({f"0x{code:04X}": count for code, count in stored.items() if code != status.SUCCESS})
    note = log.info if ended.outcome == "released" else log.warning
    note(
        "association ended",
        association=ended.association,
        calling=ended.calling_ae,
        host=shorten_address(ended.host),
        outcome=ended.outcome,
        **({"reason": ended.reason} if ended.reason else {}),
        objects=stored.get(status.SUCCESS, 0),
        **({"refused": dict(refused)} if refused else {}),
        requests=sum(ended.answers.values()) - sum(stored.values()),
        bytes=ended.received_bytes,
        seconds=round(ended.seconds, 3),
    )
