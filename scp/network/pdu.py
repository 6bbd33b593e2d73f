"""PDU framing (PS3.8 9.3): the seven PDUs on the wire, and the presentation data values in P-DATA-TF.

Data values are passed on in pieces as they arrive, as views of the reader's buffer; none is gathered here, whatever the
lengths say. A PDU may contain several data values, and a piece ends wherever the buffer ended.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scp.network.errors import INVALID_PARAMETER, UNEXPECTED_PDU, UNRECOGNIZED_PDU, Aborted, Violation
from scp.network.reader import Reader
from scp.network.states import Action, Event, Machine, classify_pdu

A_ASSOCIATE_RQ: Final = 1
A_ASSOCIATE_AC: Final = 2
A_ASSOCIATE_RJ: Final = 3
P_DATA_TF: Final = 4
A_RELEASE_RQ: Final = 5
A_RELEASE_RP: Final = 6
A_ABORT: Final = 7

_NAMES: Final = {
    A_ASSOCIATE_RQ: "A-ASSOCIATE-RQ",
    A_ASSOCIATE_AC: "A-ASSOCIATE-AC",
    A_ASSOCIATE_RJ: "A-ASSOCIATE-RJ",
    P_DATA_TF: "P-DATA-TF",
    A_RELEASE_RQ: "A-RELEASE-RQ",
    A_RELEASE_RP: "A-RELEASE-RP",
    A_ABORT: "A-ABORT",
}

RELEASE_RQ: Final = bytes([A_RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0])
RELEASE_RP: Final = bytes([A_RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0])
_BY_USER: Final = 0
_BY_PROVIDER: Final = 2

LONGEST_ASSOCIATE: Final = 1024 * 1024
"""Bytes; 128 contexts with all existing transfer syntaxes are far shorter."""

_FIXED: Final = 4  # bytes of the variable part of A-RELEASE and A-ABORT
_FIXED_KINDS: Final = frozenset({A_RELEASE_RQ, A_RELEASE_RP, A_ABORT})
_COMMAND: Final = 1
_LAST: Final = 2
_TLS_HANDSHAKE: Final = 22  # the first byte of a TLS connection (RFC 8446 5.1)
HEADER_BYTES: Final = 6
VALUE_HEADER_BYTES: Final = 6
_UNLIMITED: Final = 128 * 1024  # for a peer without a maximum (0: PS3.8 D.1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one presentation data value (PS3.8 9.3.5.1, E.2).

    `ends` marks the end of the last fragment of a command or data set. `data` is valid until the next
    piece is read.
    """

    context_id: int
    is_command: bool
    ends: bool
    data: memoryview


@dataclass(frozen=True, slots=True)
class Release:
    """An A-RELEASE-RQ."""


def encode_abort(reason: int | None) -> bytes:
    """Encode an A-ABORT by the service provider with a reason, or by the service user (None), PS3.8 9.3.8."""
    source = _BY_USER if reason is None else _BY_PROVIDER
    return bytes([A_ABORT, 0, 0, 0, 0, 4, 0, 0, source, reason or 0])


def encode_reject(result: int, source: int, reason: int) -> bytes:
    """Encode an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
    return bytes([A_ASSOCIATE_RJ, 0, 0, 0, 0, 4, 0, result, source, reason])


def encode_associate(kind: int, body: bytes) -> bytes:
    """Encode an A-ASSOCIATE PDU of this type with its variable part."""
    return struct.pack(">BxI", kind, len(body)) + body


def read_header(reader: Reader) -> tuple[int, int]:
    """Read type and length of the next PDU. Raises Closed and Expired."""
    kind, length = struct.unpack(">BxI", reader.read(HEADER_BYTES))
    return kind, length


def read_body(reader: Reader, length: int) -> bytes:
    """Read the complete variable part of an association PDU. Raises Violation when it is too long."""
    if length > LONGEST_ASSOCIATE:
        raise Violation(UNEXPECTED_PDU, f"an association PDU of {length} bytes")
    parts = []
    while length:
        part = bytes(reader.read_some(length))
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def drop_body(reader: Reader, length: int) -> None:
    """Read and drop the variable part of a PDU, however long."""
    while length:
        length -= len(reader.read_some(length))


def find_violation(kind: int) -> Violation:
    """Return the reason for the A-ABORT on a PDU that the table does not allow (PS3.8 table 9-26)."""
    if kind == _TLS_HANDSHAKE:
        return Violation(UNRECOGNIZED_PDU, "it speaks TLS, and this port does not")
    if classify_pdu(kind) is Event.INVALID_PDU:
        return Violation(UNRECOGNIZED_PDU, f"PDU of unknown type {kind}")
    return Violation(UNEXPECTED_PDU, f"{_NAMES[kind]} is not expected here")


def read_pieces(reader: Reader, longest: int, machine: Machine) -> Iterator[Piece | Release]:
    """Read PDUs on an established association, without end; `machine` decides how each PDU is treated.

    `longest` is the longest P-DATA-TF accepted, in bytes of its variable part. Raises Closed, Expired, Aborted,
    and Violation for what the state does not allow.
    """
    while True:
        kind, length = read_header(reader)
        if kind == P_DATA_TF and length > longest:
            raise Violation(INVALID_PARAMETER, f"a P-DATA-TF of {length} bytes, longer than {longest}")
        if kind in _FIXED_KINDS and length != _FIXED:
            raise Violation(INVALID_PARAMETER, f"{_NAMES[kind]} with a length of {length}")
        action = machine.on(classify_pdu(kind))
        if action in (Action.DT_2, Action.AR_6):
            reader.begin()
            yield from _read_values(reader, length)
        elif action is Action.AR_2:
            reader.read(_FIXED)
            yield Release()
        elif action is Action.AA_3:
            body = reader.read(_FIXED)
            raise Aborted(f"the peer aborted (source {body[2]}, reason {body[3]})")
        else:
            raise find_violation(kind)


def _read_values(reader: Reader, left: int) -> Iterator[Piece]:
    """Read the data values of one P-DATA-TF with `left` bytes."""
    while left:
        if left < VALUE_HEADER_BYTES:
            raise Violation(INVALID_PARAMETER, "a data value is cut by the end of its PDU")
        length, context_id, control = struct.unpack(">IBB", reader.read(VALUE_HEADER_BYTES))
        left -= VALUE_HEADER_BYTES
        length -= 2  # context and control belong to the item
        if not 0 <= length <= left:
            raise Violation(INVALID_PARAMETER, "a data value is longer than its PDU")
        left -= length
        is_command, is_last = bool(control & _COMMAND), bool(control & _LAST)
        if length == 0:
            yield Piece(context_id, is_command, is_last, memoryview(b""))
        while length:
            data = reader.read_some(length)
            length -= len(data)
            yield Piece(context_id, is_command, is_last and not length, data)


def encode_value_header(length: int, context_id: int, *, is_command: bool, is_last: bool) -> bytes:
    """Encode the header of a P-DATA-TF with one data value of `length` bytes."""
    control = (_COMMAND if is_command else 0) | (_LAST if is_last else 0)
    return struct.pack(">BxIIBB", P_DATA_TF, length + VALUE_HEADER_BYTES, length + 2, context_id, control)


def find_room(peer_maximum: int) -> int:
    """Return how many bytes fit one P-DATA-TF to a peer with this maximum length (PS3.8 D.1; 0: no limit).

    An even number where there is room for two: some peers refuse odd fragments. Raises Violation when the maximum
    length leaves no room.
    """
    room = (min(peer_maximum, _UNLIMITED) if peer_maximum else _UNLIMITED) - VALUE_HEADER_BYTES
    if room <= 0:
        raise Violation(UNEXPECTED_PDU, f"a maximum length of {peer_maximum} leaves no room for data")
    return room - room % 2 or room


def encode_fragments(
    data: bytes | memoryview, context_id: int, most: int, *, is_command: bool
) -> Sequence[bytes | memoryview]:
    """Return the buffers to send: `data` in P-DATA-TFs of at most `most` bytes each."""
    if len(data) <= most:
        return encode_value_header(len(data), context_id, is_command=is_command, is_last=True), data
    buffers: list[bytes | memoryview] = []
    view = memoryview(data)
    for start in range(0, len(view), most):
        part = view[start : start + most]
        last = start + most >= len(view)
        buffers += (encode_value_header(len(part), context_id, is_command=is_command, is_last=last), part)
    return buffers
