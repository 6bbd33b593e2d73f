"""A service for peers: its presentation contexts, and the operations that answer requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from config.settings import Service
from dicom.sop_classes import is_storage
from scp.network.conversation import Operation
from scp.network.negotiation import PresentationContext
from scp.network.user_information import CommonExtendedNegotiation


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
    provided: Iterable[ProvidedService],
    names: Iterable[Service],
    proposed: Iterable[str] = (),
    related: Iterable[CommonExtendedNegotiation] = (),
) -> tuple[PresentationContext, ...]:
    """Select the contexts of these services, and of the services open to every peer.

    Those that a service lists come first, then those that it finds for the `proposed` abstract syntaxes. A class of two
    services may be opened in the roles of both. A class that nobody knows, but `related` to a class of the Storage
    service that may be opened, is taken as that (PS3.7 D.3.3.6, PS3.4 B.4.1.2).
    """
    proposed = tuple(dict.fromkeys(proposed))
    allowed = {None, *names}
    services = [service for service in provided if service.name in allowed]
    found = (service.find_context(syntax) for syntax in proposed for service in services)
    joined: dict[str, PresentationContext] = {}
    for context in (*(context for service in services for context in service.contexts), *found):
        if context is not None:
            known = joined.get(context.abstract_syntax)
            joined[context.abstract_syntax] = context if known is None else _join_roles(known, context)
    for item in related:
        uid = item.sop_class_uid
        generals = (_find(general, joined, services) for general in item.related_general if is_storage(general))
        general = next(filter(None, generals), None)
        if general is not None and uid in proposed and uid not in joined:
            joined[uid] = replace(general, abstract_syntax=uid, general=general.abstract_syntax)
    return tuple(joined.values())


def find_services(provided: Iterable[ProvidedService], abstract_syntaxes: Iterable[str]) -> list[Service]:
    """Find the names of the services to which these abstract syntaxes belong, in order; others belong to none."""
    wanted = frozenset(abstract_syntaxes)
    listed = ((service.name, {item.abstract_syntax for item in service.contexts}) for service in provided)
    return sorted({name for name, own in listed if name is not None and own & wanted})


def _find(
    abstract_syntax: str, known: Mapping[str, PresentationContext], services: Iterable[ProvidedService]
) -> PresentationContext | None:
    """Find the context of a class that was not proposed itself."""
    found = (service.find_context(abstract_syntax) for service in services)
    return known.get(abstract_syntax) or next(filter(None, found), None)


def _join_roles(first: PresentationContext, second: PresentationContext) -> PresentationContext:
    return replace(first, as_scu=first.as_scu or second.as_scu, as_scp=first.as_scp or second.as_scp)


def join_operations(provided: Iterable[ProvidedService]) -> dict[int, Operation]:
    """Join the operations of all services. Raises ValueError when two answer the same Command Field."""
    operations: dict[int, Operation] = {}
    for service in provided:
        for field, operation in service.operations.items():
            if field in operations:
                raise ValueError(f"two services answer Command Field 0x{field:04X}")
            operations[field] = operation
    return operations
