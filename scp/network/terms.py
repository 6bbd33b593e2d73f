"""What an acceptor is told by its owner: limits, the policy on requests, whom to notify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
class Observer:
    """Notified when an association is accepted, when it ends without a release, and when TLS fails before it.

    Kinds of end: closed, aborted, timeout, protocol, object_too_long, internal.
    """

    accepted: Callable[[], None] = lambda: None
    broken: Callable[[str], None] = lambda _kind: None
    unsecured: Callable[[str, str], None] = lambda _host, _reason: None


SILENT: Final = Observer()
"""Is told and does nothing."""
