"""Elements of command sets, group 0000, in Implicit VR Little Endian (PS3.7 6.3.1 and annex E.1)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

AFFECTED_CLASS: Final = 0x0002
REQUESTED_CLASS: Final = 0x0003
FIELD: Final = 0x0100
MESSAGE_ID: Final = 0x0110
RESPONDED: Final = 0x0120
DESTINATION: Final = 0x0600
PRIORITY: Final = 0x0700
DATA_SET_TYPE: Final = 0x0800
STATUS: Final = 0x0900
COMMENT: Final = 0x0902
ERROR_ID: Final = 0x0903
AFFECTED_INSTANCE: Final = 0x1000
REQUESTED_INSTANCE: Final = 0x1001
EVENT_TYPE: Final = 0x1002
ACTION_TYPE: Final = 0x1008
COUNTS: Final = (0x1020, 0x1021, 0x1022, 0x1023)
"""Numbers of remaining, completed, failed and warning sub-operations."""
ORIGINATOR_AE: Final = 0x1030
ORIGINATOR_MESSAGE_ID: Final = 0x1031

NO_DATA_SET: Final = 0x0101
HAS_DATA_SET: Final = 0x0001
MEDIUM: Final = 0x0000
"""Priority."""


def encode_group(parts: Sequence[bytes]) -> bytes:
    """Encode a command set from its encoded elements, in ascending order of tags, with its group length."""
    body = b"".join(parts)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def encode_us(element: int, value: int) -> bytes:
    """Encode an unsigned short."""
    return struct.pack("<HHIH", 0, element, 2, value)


def encode_uid(element: int, value: str) -> bytes:
    """Encode a UID."""
    return _encode(element, value.encode("ascii", "replace"), b"\0")


def encode_text(element: int, value: str) -> bytes:
    """Encode an AE title or a comment."""
    return _encode(element, value.encode("ascii", "replace"), b" ")


def _encode(element: int, value: bytes, padding: bytes) -> bytes:
    padded = value + padding * (len(value) % 2)
    return struct.pack("<HHI", 0, element, len(padded)) + padded
