"""Associations with configured peers, as requestor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from scp.network.command import Command
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PERMANENT, AcceptedContext, PresentationContext
from scp.network.opening import AssociationRejected, Opening
from scp.network.requestor import Requestor
from scp.network.tls.calling import find_security

_REASONS: Final = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given (ACSE)",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""Source and diagnostic of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""


def name_peer(peer: PeerSettings) -> str:
    """Return AE title and address of a peer, or its URL, for messages."""
    return peer.url or f"{peer.ae_title} at {peer.host}:{peer.port}"


def find_by_title(peers: Mapping[str, PeerSettings], ae_title: str) -> tuple[str, PeerSettings] | None:
    """Find the configured peer with an AE title, preferably one that can be called; None without one."""
    named = [(name, peer) for name, peer in peers.items() if peer.ae_title == ae_title.strip()]
    return min(named, key=lambda item: item[1].port is None, default=None)


@contextmanager
def open_association(
    node: NodeSettings, peer: PeerSettings, proposals: Sequence[PresentationContext], *, seconds: float | None = None
) -> Iterator[Requestor]:
    """Open an association with `peer`, and release it at the end; `seconds` bounds all of it.

    Raises Transient when there is no connection, no answer or a transient rejection; Permanent when the peer rejects
    for good, accepts no context, or has no port.
    """
    association = associate(node, peer, proposals, seconds=seconds)
    try:
        yield association
    finally:
        association.release()


def associate(
    node: NodeSettings, peer: PeerSettings, proposals: Sequence[PresentationContext], *, seconds: float | None = None
) -> Requestor:
    """Open an association with `peer`; raises as `open_association` does."""
    name = name_peer(peer)
    if peer.url is not None:
        raise Permanent(f"{peer.url}: is a web service, which takes results and answers no DIMSE request")
    if peer.port is None:
        raise Permanent(f"{peer.ae_title} at {peer.host}: has no port in the configuration, so it cannot be called")
    opening = Opening(
        calling_ae=node.ae_title,
        called_ae=peer.ae_title,
        host=peer.host,
        port=peer.port,
        connection_timeout=_bound(node.acse_timeout, seconds),
        acse_timeout=_bound(node.acse_timeout, seconds),
        dimse_timeout=_bound(node.dimse_timeout, seconds),
        maximum_length=node.max_pdu,
        total_seconds=seconds,
        bytes_per_second=node.slowest_bytes_per_second,
        security=find_security(node, peer),
    )
    try:
        association = Requestor(opening, proposals)
    except AssociationRejected as error:
        answer = error.rejection
        reason = _REASONS.get((answer.source, answer.diagnostic), f"diagnostic {answer.diagnostic}")
        if answer.result == PERMANENT:
            raise Permanent(f"{name}: rejected the association for good: {reason}") from error
        raise Transient(f"{name}: rejected the association for now: {reason}") from error
    except AssociationEnded as error:
        raise Transient(f"{name}: no association: {error}") from error
    except OSError as error:
        raise Transient(f"{name}: no connection: {error.strerror or error}") from error
    if not association.accepted_contexts:
        association.release()
        raise Permanent(f"{name}: accepts none of the proposed presentation contexts")
    return association


def find_context(association: Requestor, abstract_syntax: str) -> AcceptedContext | None:
    """Find the first accepted context of a class; None when the peer accepted none."""
    contexts = association.accepted_contexts
    return next((context for context in contexts if context.abstract_syntax == abstract_syntax), None)


def describe_answer(answer: Command) -> str:
    """Describe the status, with the peer's Error Comment (0000,0902) if any."""
    if answer.status is None:
        return "no status"
    words = status.format_status(answer.status)
    return f"{words}: {answer.comment}" if answer.comment else words


def _bound(seconds: float, limit: float | None) -> float:
    return seconds if limit is None else min(seconds, limit)
