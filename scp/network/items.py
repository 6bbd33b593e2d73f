"""Items of the association PDUs (PS3.8 9.3.1): a type, a reserved byte, a length of two bytes, a value."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from scp.network.errors import INVALID_PARAMETER, Violation

APPLICATION_CONTEXT: Final = 0x10
PROPOSED_CONTEXT: Final = 0x20
ANSWERED_CONTEXT: Final = 0x21
ABSTRACT_SYNTAX: Final = 0x30
TRANSFER_SYNTAX: Final = 0x40
USER_INFORMATION: Final = 0x50

_HEADER: Final = struct.Struct(">BxH")


def read_items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read type and value of each item, including unknown types, which the caller skips (PS3.8 9.3.1).

    Zeros at the end that are too few for an item are padding. Raises Violation when an item overruns its container.
    """
    position = 0
    while position < len(data):
        if position + _HEADER.size > len(data):
            if not any(data[position:]):
                return
            raise Violation(INVALID_PARAMETER, "an item of the association PDU ends within its header")
        kind, length = _HEADER.unpack_from(data, position)
        position += _HEADER.size
        if position + length > len(data):
            raise Violation(INVALID_PARAMETER, f"item {kind:02X}H overruns its container")
        yield kind, data[position : position + length]
        position += length


def encode_item(kind: int, value: bytes) -> bytes:
    """Encode one item."""
    return _HEADER.pack(kind, len(value)) + value


def decode_uid(value: bytes) -> str:
    """Decode a UID, dropping the padding that some peers add although it is not allowed here (PS3.8 annex F)."""
    return value.decode("ascii", "replace").strip("\0 ")


def encode_uid(uid: str) -> bytes:
    """Encode a UID for an item, without padding (PS3.8 annex F)."""
    return uid.encode("ascii", "replace")
