"""A service for peers: its presentation contexts, and the operations that answer requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.settings import Service
from scp.network.conversation import Operation
from scp.network.negotiation import PresentationContext


@dataclass(frozen=True, slots=True)
class ProvidedService:
    """The contexts that a peer may open, and the operation for each Command Field (PS3.7 annex E.1).

    `name` is the name in `peers.X.services`; None for a service that is open to every peer.
    """

    name: Service | None
    contexts: tuple[PresentationContext, ...]
    operations: Mapping[int, Operation]


def select_contexts(provided: Iterable[ProvidedService], names: Iterable[Service]) -> tuple[PresentationContext, ...]:
    """Select the contexts of these services, and of the services open to every peer."""
    allowed = {None, *names}
    return tuple(context for service in provided if service.name in allowed for context in service.contexts)


def join_operations(provided: Iterable[ProvidedService]) -> dict[int, Operation]:
    """Join the operations of all services. Raises ValueError when two answer the same Command Field."""
    operations: dict[int, Operation] = {}
    for service in provided:
        for field, operation in service.operations.items():
            if field in operations:
                raise ValueError(f"two services answer Command Field 0x{field:04X}")
            operations[field] = operation
    return operations
