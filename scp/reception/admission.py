"""Accept or refuse an association: called and calling AE title, host, services (PS3.8 9.3.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

import structlog

from config.settings import PeerSettings, Service, Settings
from dicom.sop_classes import is_storage
from scp import metrics
from scp.network.associate import AssociateRequest, Rejection
from scp.network.negotiation import (
    BY_PRESENTATION,
    BY_USER,
    CALLED_AE_TITLE_NOT_RECOGNIZED,
    CALLING_AE_TITLE_NOT_RECOGNIZED,
    LOCAL_LIMIT_EXCEEDED,
    NO_REASON_GIVEN,
    PERMANENT,
    TEMPORARY_CONGESTION,
    TRANSIENT,
    PresentationContext,
)
from scp.peer_events import Note, ignore
from scp.reception.addresses import AddressBook, shorten_address
from scp.reception.bindings import PLAIN, Bindings, Line
from scp.reception.identities import BusyError, Identities
from scp.reception.provided import ProvidedService, find_services, select_contexts
from scp.reception.refusal_events import REASONS, make_refusal
from scp.reception.seats import Seats
from scp.reception.watch import Holder

log = structlog.get_logger(__name__)

EVERY_SERVICE: Final[tuple[Service, ...]] = get_args(Service)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A caller who may use `services`; with `users`, their passcodes by name, one of them must be the user."""

    services: tuple[Service, ...]
    users: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused caller: rejected-permanent by the service user, with `diagnostic` (PS3.8 table 9-21).

    `kind` is what the metrics count it as.
    """

    diagnostic: int
    reason: str
    kind: str = "unknown"


@dataclass(frozen=True, slots=True)
class Admission:
    """The policy on callers: the called AE title must be ours, the caller a configured peer.

    A peer is identified by its calling AE title together with the address of its `host`, and by its certificate where
    the configuration names one. Raises ConfigurationError when a file that names certificates cannot be used.
    """

    ae_title: str
    peers: Mapping[str, PeerSettings]
    accept_unknown_peers: bool
    book: AddressBook = field(default_factory=AddressBook, compare=False)
    bindings: Bindings = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bindings", Bindings(self.peers))

    @classmethod
    def from_settings(cls, settings: Settings) -> Admission:
        """Make the configured policy. Raises ConfigurationError as the class does."""
        return cls(settings.node.ae_title, settings.callers, settings.node.accept_unknown_peers)

    def may_call(self, address: str) -> bool:
        """Return False if certainly no peer has this address; does not wait for a name server."""
        address = shorten_address(address)
        return self.accept_unknown_peers or any(self.book.may_have(peer.host, address) for peer in self.peers.values())

    def decide(self, *, called: str, calling: str, host: str, line: Line = PLAIN) -> Accepted | Refused:
        """Accept or refuse one request; AE titles are compared without surrounding spaces."""
        if called.strip() != self.ae_title:
            words = f"called AE title is {called.strip()!r}, this node is {self.ae_title!r}"
            return Refused(CALLED_AE_TITLE_NOT_RECOGNIZED, words)
        named = {name: peer for name, peer in self.peers.items() if peer.ae_title == calling.strip()}
        matching = [name for name, peer in named.items() if self.book.has(peer.host, host)]
        users: dict[str, str] = {}
        if matching or (named and self.accept_unknown_peers):
            objections = {name: self.bindings.find_objection(name, line) for name in matching or named}
            fitting = [named[name] for name, objection in objections.items() if not objection]
            if not fitting:
                return Refused(CALLING_AE_TITLE_NOT_RECOGNIZED, next(iter(objections.values())), kind="unsecured")
            users = {name: passcode for peer in fitting for name, passcode in peer.users.items()}
            if matching:
                services = dict.fromkeys(service for peer in fitting for service in peer.services)
                return Accepted(tuple(services), users)
        if self.accept_unknown_peers:
            return Accepted(EVERY_SERVICE, users)
        if named:
            known = ", ".join(sorted(peer.host for peer in named.values()))
            words = f"{calling.strip()!r} called from {host}, is configured at {known}"
        else:
            words = f"no peer has the AE title {calling.strip()!r} (called from {host})"
        return Refused(CALLING_AE_TITLE_NOT_RECOGNIZED, words)


class Door:
    """Answers requests for an association: by policy, number of open associations and free disk space.

    `find_shortage` returns why nothing can be stored, empty if something can. Refusals that are a matter of security go
    to the audit log by `audit`.
    """

    def __init__(
        self,
        admission: Admission,
        seats: Seats,
        services: Sequence[ProvidedService],
        find_shortage: Callable[[], str] = lambda: "",
        identities: Identities | None = None,
        audit: Note = ignore,
    ) -> None:
        self._admission = admission
        self._seats = seats
        self._services = services
        self._find_shortage = find_shortage
        self._identities = Identities() if identities is None else identities
        self._audit = audit

    def renew(self, admission: Admission, services: Sequence[ProvidedService]) -> Door:
        """Make a door of another policy and the same seats and users' passcodes."""
        return Door(admission, self._seats, services, self._find_shortage, self._identities, self._audit)

    def admit(
        self, request: AssociateRequest, host: str, holder: Holder, line: Line = PLAIN
    ) -> Sequence[PresentationContext] | Rejection:
        """Return the contexts that the caller may open, or log, count and return its rejection."""
        address = shorten_address(host)
        verdict = self._admission.decide(called=request.called_ae, calling=request.calling_ae, host=address, line=line)
        if isinstance(verdict, Refused):
            refusal = Rejection(PERMANENT, BY_USER, verdict.diagnostic)
            return self._refuse(verdict.kind, refusal, request, address, verdict.reason)
        if verdict.users and (objection := self._find_stranger(verdict.users, request)):
            refusal, words = objection
            return self._refuse("user", refusal, request, address, words)
        stores = bool(request.abstract_syntaxes) and all(map(is_storage, request.abstract_syntaxes))
        if stores and (words := self._find_shortage()):
            refusal = Rejection(TRANSIENT, BY_PRESENTATION, TEMPORARY_CONGESTION)
            return self._refuse("disk", refusal, request, address, words)
        limit = self._seats.take(holder, f"{request.calling_ae} {address}")
        if limit is not None:
            key = "node.max_associations" if limit == "limit" else "node.max_associations_per_peer"
            refusal = Rejection(TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED)
            return self._refuse(limit, refusal, request, address, f"{key} reached")
        contexts = select_contexts(
            self._services, verdict.services, request.abstract_syntaxes, request.user.common_extended
        )
        open_to_it = {context.abstract_syntax for context in contexts}
        if withheld := find_services(self._services, set(request.abstract_syntaxes) - open_to_it):
            log.info("services not open to the peer", calling=request.calling_ae, host=address, services=withheld)
        return contexts

    def _find_stranger(self, users: Mapping[str, str], request: AssociateRequest) -> tuple[Rejection, str] | None:
        """Find how and why to reject a caller that is none of the users, or cannot be checked now; None for a user."""
        try:
            if self._identities.verify(users, request.user.identity):
                return None
        except BusyError:
            words = "too many passcodes are waiting to be checked"
            return Rejection(TRANSIENT, BY_PRESENTATION, TEMPORARY_CONGESTION), words
        words = "no user identity" if request.user.identity is None else "not the name and passcode of a user"
        return Rejection(PERMANENT, BY_USER, NO_REASON_GIVEN), words

    def _refuse(self, why: str, refusal: Rejection, request: AssociateRequest, host: str, words: str) -> Rejection:
        metrics.REFUSED.labels(why).inc()
        if why in REASONS:
            calling, diagnostic = request.calling_ae, refusal.diagnostic
            self._audit(make_refusal(why, host, words, calling_ae=calling, diagnostic=diagnostic))
        log.warning("association refused", host=host, calling=request.calling_ae, reason=words)
        return refusal
