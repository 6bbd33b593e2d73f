"""A service as the node provides it to its peers: presentation contexts, and what answers the requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.settings import Service
from scp.network.conversation import Operation
from scp.network.negotiation import PresentationContext


@dataclass(frozen=True, slots=True)
class ProvidedService:
    """What a peer may open, and the operation for each Command Field (PS3.7 annex E.1).

    `name` is that of `peers.X.services`; None for a service that is open to every peer.
    """

    name: Service | None
    contexts: tuple[PresentationContext, ...]
    operations: Mapping[int, Operation]


def select_contexts(provided: Iterable[ProvidedService], names: Iterable[Service]) -> tuple[PresentationContext, ...]:
    """The contexts of a peer with these services, and of those that are open to every peer."""
    allowed = {None, *names}
    return tuple(context for service in provided if service.name in allowed for context in service.contexts)


def join_operations(provided: Iterable[ProvidedService]) -> dict[int, Operation]:
    """The operations of all services. Raises ValueError when two of them answer one Command Field."""
    operations: dict[int, Operation] = {}
    for service in provided:
        for field, operation in service.operations.items():
            if field in operations:
                raise ValueError(f"two services answer Command Field 0x{field:04X}")
            operations[field] = operation
    return operations
