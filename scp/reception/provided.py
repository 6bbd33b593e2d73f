"""A service for peers: its presentation contexts, and the operations that answer requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from config.settings import Service
from scp.network.conversation import Operation
from scp.network.negotiation import PresentationContext


def find_none(abstract_syntax: str) -> PresentationContext | None:
    """Find no context: a service that lists all of its contexts."""
    del abstract_syntax
    return None


@dataclass(frozen=True, slots=True)
class ProvidedService:
    """The contexts that a peer may open, and the operation for each Command Field (PS3.7 annex E.1).

    `name` is the name in `peers.X.services`; None for a service that is open to every peer. `find_context` finds the
    context for an abstract syntax that `contexts` does not list, None where there is none.
    """

    name: Service | None
    contexts: tuple[PresentationContext, ...]
    operations: Mapping[int, Operation]
    find_context: Callable[[str], PresentationContext | None] = find_none


def select_contexts(
    provided: Iterable[ProvidedService], names: Iterable[Service], proposed: Iterable[str] = ()
) -> tuple[PresentationContext, ...]:
    """Select the contexts of these services, and of the services open to every peer.

    Those that a service lists come first, then those that it finds for the `proposed` abstract syntaxes.
    """
    allowed = {None, *names}
    services = [service for service in provided if service.name in allowed]
    listed = {context.abstract_syntax: context for service in services for context in service.contexts}
    others = [syntax for syntax in dict.fromkeys(proposed) if syntax not in listed]
    found = (service.find_context(syntax) for syntax in others for service in services)
    return (*listed.values(), *(context for context in found if context is not None))


def join_operations(provided: Iterable[ProvidedService]) -> dict[int, Operation]:
    """Join the operations of all services. Raises ValueError when two answer the same Command Field."""
    operations: dict[int, Operation] = {}
    for service in provided:
        for field, operation in service.operations.items():
            if field in operations:
                raise ValueError(f"two services answer Command Field 0x{field:04X}")
            operations[field] = operation
    return operations
