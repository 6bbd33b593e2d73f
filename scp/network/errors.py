"""Errors that end an association before its release.

AssociationEnded
├── Unsecured    there is no secure connection: the TLS handshake failed
├── Closed       the connection is closed or lost
├── Aborted      the peer sent an A-ABORT
├── Expired      the peer was silent or too slow for too long
├── Interrupted  what this side was sending cannot be read to its end: an A-ABORT by the service user
├── TooLong      an object exceeds the node's limit: an A-ABORT by the service user
└── Violation    the peer broke the protocol: it gets an A-ABORT with the reason (PS3.8 table 9-26)
"""

from __future__ import annotations

from typing import Final

NOT_SPECIFIED: Final = 0
UNRECOGNIZED_PDU: Final = 1
UNEXPECTED_PDU: Final = 2
UNEXPECTED_PARAMETER: Final = 5
INVALID_PARAMETER: Final = 6


class AssociationEnded(Exception):
    """The association cannot continue; the text says why."""


class Unsecured(AssociationEnded):
    """The TLS handshake failed, so there is no connection for an association; the text says why."""


class Closed(AssociationEnded):
    """The connection is closed or lost: Evt17 of the state table (PS3.8 table 9-10)."""


class Aborted(AssociationEnded):
    """The peer sent an A-ABORT."""


class Expired(AssociationEnded):
    """A timer expired: the peer was silent, or slower than the minimum rate."""


class Interrupted(AssociationEnded):
    """A data set that was being sent cannot be read to its end, so that nothing can follow on the association."""

    kind = "internal"


class TooLong(AssociationEnded):
    """An object is too long: it is not stored, and the peer gets an A-ABORT."""

    kind = "object_too_long"


class Violation(AssociationEnded):
    """The peer broke the protocol; `reason` goes into the A-ABORT (PS3.8 table 9-26)."""

    def __init__(self, reason: int, words: str) -> None:
        super().__init__(words)
        self.reason = reason
