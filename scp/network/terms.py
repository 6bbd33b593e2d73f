"""What an acceptor is told by its owner: limits, the policy on requests, whom to notify."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scp.network.associate import AssociateRequest, Rejection
from scp.network.negotiation import PresentationContext


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on a peer: `artim` is the ARTIM timer in seconds (PS3.8 9.1.5), PDU lengths are in bytes.

    `maximum_length` is what we propose, `longest_pdu` what is accepted from a peer that exceeds it.
    """

    artim: float
    maximum_length: int
    longest_pdu: int


Admit = Callable[[AssociateRequest, str], Sequence[PresentationContext] | Rejection]
"""Decides on a request: the contexts that the caller may open, or a rejection."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An association that has ended: what came on it, and how.

    `outcome` is "released" or the kind of end, then with a `reason` in words. `answers` counts the final responses by
    Command Field of the request and status. `seconds` have passed since the connection.
    """

    association: str
    calling_ae: str
    host: str
    outcome: str
    reason: str
    answers: Mapping[tuple[int, int], int]
    received_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Observer:
    """Notified when an association is accepted, when it ends, when without a release, and when TLS fails before it.

    Kinds of end: closed, aborted, timeout, protocol, object_too_long, internal. Of a connection that was no association
    `ended` is told only what is out of the ordinary.
    """

    accepted: Callable[[], None] = lambda: None
    broken: Callable[[str], None] = lambda _kind: None
    ended: Callable[[Ended], None] = lambda _ended: None
    unsecured: Callable[[str, str], None] = lambda _host, _reason: None


SILENT: Final = Observer()
"""Is told and does nothing."""
