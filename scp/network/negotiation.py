"""Opening an association (PS3.8 7.1, 9.3.2 to 9.3.4), with the PDU classes of pynetdicom."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydicom.uid import UID
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext, negotiate_as_acceptor

from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.network.errors import INVALID_PARAMETER, Violation

_APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
_PROTOCOL_VERSION: Final = 1
_ACCEPTED: Final = 0
_VARIABLE_ITEMS: Final = 74
_SYNTAX_ITEMS: Final = 4
_PRESENTATION_CONTEXT: Final = 0x20
_ABSTRACT_SYNTAX: Final = 0x30

PERMANENT: Final = 1
TRANSIENT: Final = 2
BY_USER: Final = 1
BY_ACSE: Final = 2
BY_PRESENTATION: Final = 3
NO_REASON: Final = 1
APPLICATION_CONTEXT_NOT_SUPPORTED: Final = 2
PROTOCOL_VERSION_NOT_SUPPORTED: Final = 2
TEMPORARY_CONGESTION: Final = 1
LOCAL_LIMIT_EXCEEDED: Final = 2


@dataclass(frozen=True, slots=True)
class Rejection:
    """Result, source and diagnostic of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    result: int
    source: int
    diagnostic: int


@dataclass(frozen=True, slots=True)
class Request:
    """An A-ASSOCIATE-RQ that was understood; `maximum_length` is the requestor's, 0 for no limit."""

    calling_ae: str
    called_ae: str
    abstract_syntaxes: frozenset[str]
    maximum_length: int
    primitive: A_ASSOCIATE | None
    refusal: Rejection | None


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted presentation context."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


def abstract_syntaxes(pdu: bytes) -> frozenset[str] | None:
    """What an A-ASSOCIATE-RQ proposes (PS3.8 9.3.2.2), read by the way; None if it is no such PDU."""
    found = set()
    try:
        for kind, item in _items(pdu, _VARIABLE_ITEMS):
            if kind == _PRESENTATION_CONTEXT:
                for inner, value in _items(item, _SYNTAX_ITEMS):
                    if inner == _ABSTRACT_SYNTAX:
                        found.add(value.decode("ascii", "replace").strip("\0 "))
    except struct.error:
        return None
    return frozenset(found)


def _items(data: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """Type and value of each item (PS3.8 9.3.2.1: type, reserved, length of two bytes)."""
    while position < len(data):
        kind, length = struct.unpack_from(">BxH", data, position)
        position += 4
        yield kind, data[position : position + length]
        position += length


def read_request(pdu: bytes) -> Request:
    """Understand an A-ASSOCIATE-RQ, header and all.

    `refusal` stands where the provider must reject it: another protocol version or application context. Raises
    Violation when the bytes are no such PDU.
    """
    decoded = A_ASSOCIATE_RQ()
    try:
        decoded.decode(pdu)
        primitive = decoded.to_primitive()
        # each names an abstract and at least one transfer syntax, or this fails
        proposals = [
            (item.abstract_syntax, item.transfer_syntax[0]) for item in primitive.presentation_context_definition_list
        ]
        syntaxes = frozenset(str.strip(abstract_syntax or UID("")) for abstract_syntax, _ in proposals)
        if "" in syntaxes:
            raise ValueError("a presentation context without abstract syntax")  # noqa: TRY301  # told below
        refusal = None
        if not decoded.protocol_version & _PROTOCOL_VERSION:
            refusal = Rejection(PERMANENT, BY_ACSE, PROTOCOL_VERSION_NOT_SUPPORTED)
        elif primitive.application_context_name != _APPLICATION_CONTEXT:
            refusal = Rejection(PERMANENT, BY_USER, APPLICATION_CONTEXT_NOT_SUPPORTED)
        return Request(
            (primitive.calling_ae_title or "").strip(),
            (primitive.called_ae_title or "").strip(),
            syntaxes,
            _maximum_length(primitive),
            primitive,
            refusal,
        )
    except Exception as error:  # whatever the bytes make the library raise, they are no request
        raise Violation(INVALID_PARAMETER, f"no valid A-ASSOCIATE-RQ: {type(error).__name__}") from error


def accept(
    request: Request, supported: Sequence[PresentationContext], maximum_length: int
) -> tuple[bytes, Mapping[int, Context]]:
    """The A-ASSOCIATE-AC, and the contexts that it accepts by identifier. `maximum_length` is what we take."""
    asked = request.primitive
    if asked is None:
        raise ValueError("a request without primitive cannot be accepted here")
    results, _ = negotiate_as_acceptor(asked.presentation_context_definition_list, list(supported))
    answer = A_ASSOCIATE()
    answer.application_context_name = _APPLICATION_CONTEXT
    answer.calling_ae_title = asked.calling_ae_title
    answer.called_ae_title = asked.called_ae_title
    answer.result, answer.result_source = 0, 1
    answer.presentation_context_definition_results_list = results
    answer.user_information = _user_information(maximum_length)
    accepted = {
        int(item.context_id or 0): Context(
            int(item.context_id or 0), str(item.abstract_syntax), str(item.transfer_syntax[0])
        )
        for item in results
        if item.result == _ACCEPTED
    }
    return bytes(A_ASSOCIATE_AC(answer).encode()), accepted


def request(
    calling_ae: str, called_ae: str, contexts: Sequence[PresentationContext], maximum_length: int
) -> tuple[bytes, Mapping[int, str]]:
    """An A-ASSOCIATE-RQ, and the abstract syntax of each of its contexts by identifier."""
    asked = A_ASSOCIATE()
    asked.application_context_name = _APPLICATION_CONTEXT
    asked.calling_ae_title = calling_ae
    asked.called_ae_title = called_ae
    for index, context in enumerate(contexts):
        context.context_id = 2 * index + 1
    asked.presentation_context_definition_list = list(contexts)
    asked.user_information = _user_information(maximum_length)
    proposed = {2 * index + 1: str(context.abstract_syntax) for index, context in enumerate(contexts)}
    return bytes(A_ASSOCIATE_RQ(asked).encode()), proposed


def read_acceptance(pdu: bytes, proposed: Mapping[int, str]) -> tuple[list[Context], int]:
    """Accepted contexts and the acceptor's maximum length out of an A-ASSOCIATE-AC. Raises Violation."""
    decoded = A_ASSOCIATE_AC()
    try:
        decoded.decode(pdu)
        primitive = decoded.to_primitive()
        if not primitive.presentation_context_definition_results_list:
            raise ValueError("no presentation context")  # noqa: TRY301  # told below
        accepted = [
            Context(int(item.context_id or 0), proposed[int(item.context_id or 0)], str(item.transfer_syntax[0]))
            for item in primitive.presentation_context_definition_results_list
            if item.result == _ACCEPTED and item.context_id in proposed
        ]
        return accepted, _maximum_length(primitive)
    except Exception as error:  # whatever the bytes make the library raise, they are no acceptance
        raise Violation(INVALID_PARAMETER, f"no valid A-ASSOCIATE-AC: {type(error).__name__}") from error


def read_rejection(pdu: bytes) -> Rejection:
    """Result, source and diagnostic out of an A-ASSOCIATE-RJ. Raises Violation."""
    decoded = A_ASSOCIATE_RJ()
    try:
        decoded.decode(pdu)
        return Rejection(int(decoded.result or 0), int(decoded.source or 0), int(decoded.reason_diagnostic or 0))
    except Exception as error:  # whatever the bytes make the library raise, they are no rejection
        raise Violation(INVALID_PARAMETER, f"no valid A-ASSOCIATE-RJ: {type(error).__name__}") from error


def _maximum_length(primitive: A_ASSOCIATE) -> int:
    for item in primitive.user_information:
        if isinstance(item, MaximumLengthNotification):
            return int(item.maximum_length_received or 0)
    return 0


def _user_information(maximum_length: int) -> list[Any]:
    length = MaximumLengthNotification()
    length.maximum_length_received = maximum_length
    identity = ImplementationClassUIDNotification()
    identity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return [length, identity, version]
