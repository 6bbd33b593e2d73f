"""Negotiation of presentation contexts, roles and options when an association opens (PS3.8 7.1, PS3.7 D.3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.network.associate import (
    DICOM_APPLICATION_CONTEXT,
    PROTOCOL_VERSION,
    AnsweredContext,
    AssociateAcceptance,
    AssociateRequest,
    ProposedContext,
    Rejection,
    encode_acceptance,
    encode_request,
    read_acceptance,
)
from scp.network.errors import INVALID_PARAMETER, Violation
from scp.network.extended import ExtendedSupport, answer_extended
from scp.network.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ, encode_associate
from scp.network.user_information import ExtendedNegotiation, OperationsWindow, RoleSelection, UserInformation

# Results of a presentation context (PS3.8 table 9-18).
ACCEPTANCE: Final = 0
USER_REJECTION: Final = 1
NO_REASON: Final = 2
ABSTRACT_SYNTAX_NOT_SUPPORTED: Final = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED: Final = 4

# Result, source and diagnostic of an A-ASSOCIATE-RJ (PS3.8 table 9-21).
PERMANENT: Final = 1
TRANSIENT: Final = 2
BY_USER: Final = 1
BY_ACSE: Final = 2
BY_PRESENTATION: Final = 3
NO_REASON_GIVEN: Final = 1
APPLICATION_CONTEXT_NOT_SUPPORTED: Final = 2
CALLING_AE_TITLE_NOT_RECOGNIZED: Final = 3
CALLED_AE_TITLE_NOT_RECOGNIZED: Final = 7
PROTOCOL_VERSION_NOT_SUPPORTED: Final = 2
TEMPORARY_CONGESTION: Final = 1
LOCAL_LIMIT_EXCEEDED: Final = 2

_ONE_AT_A_TIME: Final = OperationsWindow(invoked=1, performed=1)
_IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
MOST_CONTEXTS: Final = 128
_DEFAULT_ROLE: Final = RoleSelection("", scu=True, scp=False)
"""Of the requestor, where no role was negotiated."""


@dataclass(frozen=True, slots=True)
class PresentationContext:
    """An abstract syntax with transfer syntaxes, preferred first, as supported or proposed by one side.

    `as_scu` and `as_scp` are the roles that the requestor may take, or proposes to take (PS3.7 D.3.3.4). `extended` is
    our answer to the extended negotiation of the class, None for none. `general` is the class that stands for one we do
    not know, its Related General SOP Class (D.3.3.6).
    """

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    as_scu: bool = True
    as_scp: bool = False
    extended: ExtendedSupport | None = None
    general: str = ""


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """A presentation context that both sides agreed on, with the roles that the requestor may take.

    `extended` is the answered Service-class-application-information of its class, `general` as in
    `PresentationContext`.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    as_scu: bool = True
    as_scp: bool = False
    extended: bytes = b""
    general: str = ""

    @property
    def is_implicit(self) -> bool:
        """Whether value representations are implicit, in little endian byte order (PS3.5 A.1)."""
        return self.transfer_syntax == _IMPLICIT_VR_LITTLE_ENDIAN


def find_refusal(request: AssociateRequest) -> Rejection | None:
    """Find why the provider must reject a request from anyone; None when the service user decides (PS3.8 9.3.4)."""
    if not request.protocol_version & PROTOCOL_VERSION:
        return Rejection(PERMANENT, BY_ACSE, PROTOCOL_VERSION_NOT_SUPPORTED)
    if request.application_context != DICOM_APPLICATION_CONTEXT:
        return Rejection(PERMANENT, BY_USER, APPLICATION_CONTEXT_NOT_SUPPORTED)
    if not request.calling_ae:
        return Rejection(PERMANENT, BY_USER, CALLING_AE_TITLE_NOT_RECOGNIZED)
    return None


def accept(
    request: AssociateRequest, supported: Sequence[PresentationContext], maximum_length: int
) -> tuple[bytes, Mapping[int, AcceptedContext]]:
    """Make the A-ASSOCIATE-AC, and the accepted contexts by identifier.

    `maximum_length` is the longest PDU that we propose, in bytes. Of several transfer syntaxes our most preferred is
    chosen. An invalid context, and one that leaves the requestor no role, is rejected without affecting the others.
    """
    by_syntax = {context.abstract_syntax: context for context in supported}
    roles = _grant_roles(request.user.roles, by_syntax)
    options = answer_extended(request.user.extended, {uid: context.extended for uid, context in by_syntax.items()})
    answers: list[AnsweredContext] = []
    accepted: dict[int, AcceptedContext] = {}
    answered: set[int] = set()
    for proposed in request.contexts:
        is_legal = proposed.context_id % 2 == 1 and proposed.context_id not in answered
        answer = _answer(proposed, by_syntax, roles) if is_legal else _reject(proposed, NO_REASON)
        answered.add(proposed.context_id)
        answers.append(answer)
        if answer.result == ACCEPTANCE:
            abstract_syntax = proposed.abstract_syntaxes[0]
            role = roles.get(abstract_syntax, _DEFAULT_ROLE)
            accepted[answer.context_id] = AcceptedContext(
                answer.context_id,
                abstract_syntax,
                answer.transfer_syntax,
                role.scu,
                role.scp,
                options.get(abstract_syntax, b""),
                by_syntax[abstract_syntax].general,
            )
    opened = {context.abstract_syntax for context in accepted.values()}
    user = UserInformation(
        maximum_length,
        IMPLEMENTATION_CLASS_UID,
        IMPLEMENTATION_VERSION_NAME,
        # asked for any number, we answer one request after the other (PS3.7 D.3.3.3)
        operations_window=None if request.user.operations_window is None else _ONE_AT_A_TIME,
        roles=tuple(roles.values()),
        extended=tuple(ExtendedNegotiation(uid, answer) for uid, answer in options.items() if uid in opened),
        identity_response=None if request.user.identity is None else request.user.identity.confirm(),
    )
    acceptance = AssociateAcceptance(tuple(answers), user, request.titles)
    return encode_associate(A_ASSOCIATE_AC, encode_acceptance(acceptance)), accepted


def propose(
    calling_ae: str, called_ae: str, contexts: Sequence[PresentationContext], maximum_length: int
) -> tuple[bytes, AssociateRequest]:
    """Make an A-ASSOCIATE-RQ, as bytes and as the value needed to interpret the response.

    Raises ValueError when the contexts do not fit one association: identifiers are odd, 1 to 255 (PS3.8 9.3.2.2).
    """
    if len(contexts) > MOST_CONTEXTS:
        raise ValueError(f"{len(contexts)} presentation contexts do not fit one association ({MOST_CONTEXTS})")
    roles = {
        context.abstract_syntax: RoleSelection(context.abstract_syntax, context.as_scu, context.as_scp)
        for context in contexts
        if context.as_scp
    }
    request = AssociateRequest(
        called_ae=called_ae,
        calling_ae=calling_ae,
        contexts=tuple(
            ProposedContext(2 * index + 1, (context.abstract_syntax,), context.transfer_syntaxes)
            for index, context in enumerate(contexts)
        ),
        user=UserInformation(
            maximum_length, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, roles=tuple(roles.values())
        ),
    )
    return encode_associate(A_ASSOCIATE_RQ, encode_request(request)), request


def conclude(request: AssociateRequest, body: bytes) -> tuple[list[AcceptedContext], int]:
    """Read the accepted contexts and the acceptor's maximum length from the variable part of the A-ASSOCIATE-AC.

    A context that was not proposed, or in a transfer syntax that was not, is not accepted. Raises Violation when the
    bytes are malformed.
    """
    acceptance = read_acceptance(body)
    if not acceptance.contexts:
        raise Violation(INVALID_PARAMETER, "an A-ASSOCIATE-AC without presentation context")
    proposed = {context.context_id: context for context in request.contexts}
    granted = {role.sop_class_uid: role for role in acceptance.user.roles}
    wanted = {role.sop_class_uid: role for role in request.user.roles}
    accepted = []
    for answer in acceptance.contexts:
        context = proposed.get(answer.context_id)
        if context is None or answer.result != ACCEPTANCE or answer.transfer_syntax not in context.transfer_syntaxes:
            continue
        abstract_syntax = context.abstract_syntaxes[0]
        role = _DEFAULT_ROLE
        if abstract_syntax in wanted and abstract_syntax in granted:
            role = _intersect(wanted[abstract_syntax], granted[abstract_syntax])
        accepted.append(AcceptedContext(answer.context_id, abstract_syntax, answer.transfer_syntax, role.scu, role.scp))
    return accepted, acceptance.user.maximum_length


def _grant_roles(
    proposed: Iterable[RoleSelection], supported: Mapping[str, PresentationContext]
) -> dict[str, RoleSelection]:
    """Answer the proposed roles of the classes that we support, the first proposal of each (PS3.7 D.3.3.4)."""
    granted: dict[str, RoleSelection] = {}
    for role in proposed:
        ours = supported.get(role.sop_class_uid)
        if ours is not None and role.sop_class_uid not in granted:
            possible = RoleSelection(role.sop_class_uid, ours.as_scu, ours.as_scp)
            granted[role.sop_class_uid] = _intersect(role, possible)
    return granted


def _intersect(role: RoleSelection, other: RoleSelection) -> RoleSelection:
    return RoleSelection(role.sop_class_uid, role.scu and other.scu, role.scp and other.scp)


def _answer(
    proposed: ProposedContext, supported: Mapping[str, PresentationContext], roles: Mapping[str, RoleSelection]
) -> AnsweredContext:
    if len(proposed.abstract_syntaxes) > 1:  # its messages would be ambiguous
        return _reject(proposed, NO_REASON)
    ours = supported.get(proposed.abstract_syntaxes[0]) if proposed.abstract_syntaxes else None
    if ours is None:
        return _reject(proposed, ABSTRACT_SYNTAX_NOT_SUPPORTED)
    role = roles.get(ours.abstract_syntax, _DEFAULT_ROLE)
    if not (role.scu and ours.as_scu) and not role.scp:
        return _reject(proposed, USER_REJECTION if ours.abstract_syntax in roles else ABSTRACT_SYNTAX_NOT_SUPPORTED)
    chosen = next((syntax for syntax in ours.transfer_syntaxes if syntax in proposed.transfer_syntaxes), None)
    if chosen is None:
        return _reject(proposed, TRANSFER_SYNTAXES_NOT_SUPPORTED)
    return AnsweredContext(proposed.context_id, ACCEPTANCE, chosen)


def _reject(proposed: ProposedContext, result: int) -> AnsweredContext:
    """Make a refusal; it names a transfer syntax because the item must contain one (PS3.8 9.3.3.2)."""
    named = proposed.transfer_syntaxes[0] if proposed.transfer_syntaxes else _IMPLICIT_VR_LITTLE_ENDIAN
    return AnsweredContext(proposed.context_id, result, named)
