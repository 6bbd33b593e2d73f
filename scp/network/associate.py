"""Reading and encoding A-ASSOCIATE-RQ, -AC and -RJ (PS3.8 9.3.2 to 9.3.4).

Reading is tolerant where the Standard demands it: unknown items are skipped (9.3.1), reserved fields are ignored,
AE titles may be padded with spaces or NUL. A presentation context that cannot be read counts as one of an unknown
abstract syntax; any other length that overruns its container is a Violation. What the values mean for the association
is decided in `negotiation`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scp.network import items
from scp.network.errors import INVALID_PARAMETER, Violation
from scp.network.items import decode_uid, encode_item, encode_uid, read_items
from scp.network.user_information import UserInformation, encode_user_information, read_user_information

DICOM_APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
PROTOCOL_VERSION: Final = 1
"""Bit 0 of the field (PS3.8 table 9-11)."""

_TITLE_BYTES: Final = 16
_FIXED_BYTES: Final = 68  # of the variable part: version, two reserved, two titles, 32 reserved
_TITLES: Final = slice(4, 68)
_CALLED: Final = slice(4, 20)
_CALLING: Final = slice(20, 36)
_CONTEXT_HEADER_BYTES: Final = 4
_REJECTION_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """A proposed presentation context; a valid one has one abstract syntax and at least one transfer syntax.

    One whose items cannot be read has neither.
    """

    context_id: int
    abstract_syntaxes: tuple[str, ...]
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnsweredContext:
    """Result of a presentation context (PS3.8 table 9-18); the transfer syntax is significant only if accepted.

    One whose items cannot be read has none.
    """

    context_id: int
    result: int
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """An A-ASSOCIATE-RQ. `titles` are the bytes that a response repeats (PS3.8 table 9-17); empty in our own."""

    called_ae: str
    calling_ae: str
    contexts: tuple[ProposedContext, ...]
    user: UserInformation
    application_context: str = DICOM_APPLICATION_CONTEXT
    protocol_version: int = PROTOCOL_VERSION
    titles: bytes = b""

    @property
    def abstract_syntaxes(self) -> frozenset[str]:
        """All proposed abstract syntaxes."""
        return frozenset(uid for context in self.contexts for uid in context.abstract_syntaxes)


@dataclass(frozen=True, slots=True)
class AssociateAcceptance:
    """An A-ASSOCIATE-AC."""

    contexts: tuple[AnsweredContext, ...]
    user: UserInformation
    titles: bytes = bytes(64)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Result, source and diagnostic of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    result: int
    source: int
    diagnostic: int


def read_calling_ae(body: bytes) -> str:
    """Read the calling AE title alone, to name the sender of an unreadable request; empty if that is too short."""
    return _read_title(body[_CALLING])


def read_request(body: bytes) -> AssociateRequest:
    """Read the variable part of an A-ASSOCIATE-RQ. Raises Violation when it is malformed."""
    version, variable = _read_fixed(body)
    contexts: list[ProposedContext] = []
    application_context, user = "", UserInformation()
    for kind, value in variable:
        if kind == items.APPLICATION_CONTEXT:
            application_context = application_context or decode_uid(value)
        elif kind == items.PROPOSED_CONTEXT:
            contexts += _read_proposed(value)
        elif kind == items.USER_INFORMATION:
            user = read_user_information(value)
    return AssociateRequest(
        called_ae=_read_title(body[_CALLED]),
        calling_ae=_read_title(body[_CALLING]),
        contexts=tuple(contexts),
        user=user,
        application_context=application_context,
        protocol_version=version,
        titles=body[_TITLES],
    )


def encode_request(request: AssociateRequest) -> bytes:
    """Encode the variable part of an A-ASSOCIATE-RQ."""
    titles = request.titles or _encode_title(request.called_ae) + _encode_title(request.calling_ae) + bytes(32)
    contexts = (
        encode_item(
            items.PROPOSED_CONTEXT,
            bytes([context.context_id, 0, 0, 0])
            + b"".join(encode_item(items.ABSTRACT_SYNTAX, encode_uid(uid)) for uid in context.abstract_syntaxes)
            + b"".join(encode_item(items.TRANSFER_SYNTAX, encode_uid(uid)) for uid in context.transfer_syntaxes),
        )
        for context in request.contexts
    )
    return b"".join(
        (
            struct.pack(">Hxx", request.protocol_version),
            titles,
            encode_item(items.APPLICATION_CONTEXT, encode_uid(request.application_context)),
            *contexts,
            encode_item(items.USER_INFORMATION, encode_user_information(request.user)),
        )
    )


def read_acceptance(body: bytes) -> AssociateAcceptance:
    """Read the variable part of an A-ASSOCIATE-AC. Raises Violation when it is malformed."""
    _, variable = _read_fixed(body)
    contexts: list[AnsweredContext] = []
    user = UserInformation()
    for kind, value in variable:
        if kind == items.ANSWERED_CONTEXT:
            contexts += _read_answered(value)
        elif kind == items.USER_INFORMATION:
            user = read_user_information(value)
    return AssociateAcceptance(tuple(contexts), user, body[_TITLES])


def encode_acceptance(acceptance: AssociateAcceptance) -> bytes:
    """Encode the variable part of an A-ASSOCIATE-AC."""
    contexts = (
        encode_item(
            items.ANSWERED_CONTEXT,
            bytes([context.context_id, 0, context.result, 0])
            + encode_item(items.TRANSFER_SYNTAX, encode_uid(context.transfer_syntax)),
        )
        for context in acceptance.contexts
    )
    return b"".join(
        (
            struct.pack(">Hxx", PROTOCOL_VERSION),
            acceptance.titles,
            encode_item(items.APPLICATION_CONTEXT, encode_uid(DICOM_APPLICATION_CONTEXT)),
            *contexts,
            encode_item(items.USER_INFORMATION, encode_user_information(acceptance.user)),
        )
    )


def read_rejection(body: bytes) -> Rejection:
    """Read the variable part of an A-ASSOCIATE-RJ. Raises Violation when it is too short."""
    if len(body) < _REJECTION_BYTES:
        raise Violation(INVALID_PARAMETER, f"an A-ASSOCIATE-RJ of {len(body)} bytes")
    return Rejection(body[1], body[2], body[3])


def _read_fixed(body: bytes) -> tuple[int, list[tuple[int, bytes]]]:
    """Read the protocol version and the items."""
    if len(body) < _FIXED_BYTES:
        raise Violation(INVALID_PARAMETER, f"an association PDU of {len(body)} bytes, shorter than {_FIXED_BYTES}")
    return int.from_bytes(body[:2], "big"), list(read_items(body[_FIXED_BYTES:]))


def _read_proposed(value: bytes) -> Iterator[ProposedContext]:
    """Read one proposed context; none where even its identifier is missing, because nobody could be answered."""
    if value:
        inner = _read_context(value)
        abstract = tuple(decode_uid(uid) for kind, uid in inner if kind == items.ABSTRACT_SYNTAX and decode_uid(uid))
        transfer = tuple(decode_uid(uid) for kind, uid in inner if kind == items.TRANSFER_SYNTAX and decode_uid(uid))
        yield ProposedContext(value[0], abstract, transfer)


def _read_answered(value: bytes) -> Iterator[AnsweredContext]:
    """Read one answered context; none where identifier or result are missing."""
    if len(value) >= _CONTEXT_HEADER_BYTES:
        syntaxes = [decode_uid(uid) for kind, uid in _read_context(value) if kind == items.TRANSFER_SYNTAX]
        yield AnsweredContext(value[0], value[2], syntaxes[0] if syntaxes else "")


def _read_context(value: bytes) -> list[tuple[int, bytes]]:
    """Read the items of a context, which end where it ends: if one overruns it, no other context suffers."""
    try:
        return list(read_items(value[_CONTEXT_HEADER_BYTES:]))
    except Violation:
        return []


def _read_title(value: bytes) -> str:
    """Read an AE title; it ends at a NUL as a text in C does, whatever the sender's buffer contained before."""
    return value.decode("ascii", "replace").strip("\0 ").partition("\0")[0].rstrip(" ")


def _encode_title(title: str) -> bytes:
    return title.encode("ascii", "replace")[:_TITLE_BYTES].ljust(_TITLE_BYTES)
