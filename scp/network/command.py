"""Command sets (PS3.7 6.3 and annex E): Implicit VR Little Endian, group 0000, one per message."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from dicom.printable import make_printable
from scp.network.errors import INVALID_PARAMETER, Violation

C_STORE_RQ: Final = 0x0001
C_GET_RQ: Final = 0x0010
C_FIND_RQ: Final = 0x0020
C_ECHO_RQ: Final = 0x0030
C_CANCEL_RQ: Final = 0x0FFF
RESPONSE: Final = 0x8000

_NO_DATA_SET: Final = 0x0101
_HAS_DATA_SET: Final = 0x0001
_MEDIUM: Final = 0x0000
_US_BYTES: Final = 2

_AFFECTED_CLASS, _REQUESTED_CLASS = 0x0002, 0x0003
_FIELD, _MESSAGE_ID, _RESPONDED = 0x0100, 0x0110, 0x0120
_PRIORITY, _DATA_SET_TYPE, _STATUS, _COMMENT = 0x0700, 0x0800, 0x0900, 0x0902
_AFFECTED_INSTANCE, _REQUESTED_INSTANCE = 0x1000, 0x1001
_NUMBERS: Final = frozenset({_FIELD, _MESSAGE_ID, _RESPONDED, _PRIORITY, _DATA_SET_TYPE, _STATUS})
_TEXTS: Final = frozenset({_AFFECTED_CLASS, _REQUESTED_CLASS, _AFFECTED_INSTANCE, _REQUESTED_INSTANCE})
_LONGEST_COMMENT: Final = 200


@dataclass(frozen=True, slots=True)
class Command:
    """The elements of a command set that the services need; requests have `message_id`, responses `responded`."""

    field: int
    has_data_set: bool
    message_id: int = 0
    responded: int = 0
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    status: int | None = None
    comment: str = ""

    @property
    def is_response(self) -> bool:
        """True for a response."""
        return bool(self.field & RESPONSE)


def decode(data: bytes | bytearray) -> Command:
    """Decode a complete command set. Raises Violation when it is malformed or lacks a mandatory element."""
    values: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + 8 > len(data):
            raise Violation(INVALID_PARAMETER, "a command set ends within an element")
        group, element, length = struct.unpack_from("<HHI", data, position)
        position += 8
        if group != 0 or position + length > len(data):
            raise Violation(INVALID_PARAMETER, "a command set contains a foreign element")
        values[element] = bytes(data[position : position + length])
        position += length
    numbers = {tag: _read_number(value) for tag, value in values.items() if tag in _NUMBERS}
    texts = {tag: _read_text(value) for tag, value in values.items() if tag in _TEXTS}
    field, data_set = numbers.get(_FIELD), numbers.get(_DATA_SET_TYPE)
    if field is None or data_set is None:
        raise Violation(INVALID_PARAMETER, "a command set without Command Field or Command Data Set Type")
    needed = _RESPONDED if field & RESPONSE or field == C_CANCEL_RQ else _MESSAGE_ID
    if numbers.get(needed) is None:
        missing = "Message ID" if needed == _MESSAGE_ID else "Message ID Being Responded To"
        raise Violation(INVALID_PARAMETER, f"a command set without {missing}")
    return Command(
        field=field,
        has_data_set=data_set != _NO_DATA_SET,
        message_id=numbers.get(_MESSAGE_ID) or 0,
        responded=numbers.get(_RESPONDED) or 0,
        sop_class_uid=texts.get(_AFFECTED_CLASS) or texts.get(_REQUESTED_CLASS) or "",
        sop_instance_uid=texts.get(_AFFECTED_INSTANCE) or texts.get(_REQUESTED_INSTANCE) or "",
        status=numbers.get(_STATUS),
        comment=_read_comment(values.get(_COMMENT, b"")),
    )


def encode_response(request: Command, status: int, *, has_data_set: bool = False, comment: str = "") -> bytes:
    """Encode a response to `request` (PS3.7 9.3), with an Error Comment (0000,0902) if given."""
    elements = [
        _encode_uid(_AFFECTED_CLASS, request.sop_class_uid) if request.sop_class_uid else b"",
        _encode_us(_FIELD, request.field | RESPONSE),
        _encode_us(_RESPONDED, request.message_id),
        _encode_us(_DATA_SET_TYPE, _HAS_DATA_SET if has_data_set else _NO_DATA_SET),
        _encode_us(_STATUS, status),
        _encode_element(_COMMENT, comment.encode("ascii", "replace"), b" ") if comment else b"",
        _encode_uid(_AFFECTED_INSTANCE, request.sop_instance_uid) if request.sop_instance_uid else b"",
    ]
    return _encode_group(elements)


def encode_store_request(message_id: int, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """Encode a C-STORE-RQ (PS3.7 9.3.1.1)."""
    return _encode_group(
        [
            _encode_uid(_AFFECTED_CLASS, sop_class_uid),
            _encode_us(_FIELD, C_STORE_RQ),
            _encode_us(_MESSAGE_ID, message_id),
            _encode_us(_PRIORITY, _MEDIUM),
            _encode_us(_DATA_SET_TYPE, _HAS_DATA_SET),
            _encode_uid(_AFFECTED_INSTANCE, sop_instance_uid),
        ]
    )


def encode_echo_request(message_id: int, sop_class_uid: str) -> bytes:
    """Encode a C-ECHO-RQ (PS3.7 9.3.5.1)."""
    return _encode_group(
        [
            _encode_uid(_AFFECTED_CLASS, sop_class_uid),
            _encode_us(_FIELD, C_ECHO_RQ),
            _encode_us(_MESSAGE_ID, message_id),
            _encode_us(_DATA_SET_TYPE, _NO_DATA_SET),
        ]
    )


def encode_query_request(field: int, message_id: int, sop_class_uid: str) -> bytes:
    """Encode a C-FIND-RQ or C-GET-RQ, by its Command Field; the identifier follows (PS3.7 9.3.2.1, 9.3.3.1)."""
    return _encode_group(
        [
            _encode_uid(_AFFECTED_CLASS, sop_class_uid),
            _encode_us(_FIELD, field),
            _encode_us(_MESSAGE_ID, message_id),
            _encode_us(_PRIORITY, _MEDIUM),
            _encode_us(_DATA_SET_TYPE, _HAS_DATA_SET),
        ]
    )


def encode_cancel_request(responded: int) -> bytes:
    """Encode a C-CANCEL-RQ for the request with this Message ID (PS3.7 9.3.2.3)."""
    return _encode_group(
        [_encode_us(_FIELD, C_CANCEL_RQ), _encode_us(_RESPONDED, responded), _encode_us(_DATA_SET_TYPE, _NO_DATA_SET)]
    )


def _encode_group(elements: list[bytes]) -> bytes:
    body = b"".join(elements)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _encode_us(element: int, value: int) -> bytes:
    return struct.pack("<HHIH", 0, element, 2, value)


def _encode_uid(element: int, value: str) -> bytes:
    return _encode_element(element, value.encode("ascii", "replace"), b"\0")


def _encode_element(element: int, value: bytes, padding: bytes) -> bytes:
    padded = value + padding * (len(value) % 2)
    return struct.pack("<HHI", 0, element, len(padded)) + padded


def _read_number(value: bytes) -> int | None:
    return int.from_bytes(value, "little") if len(value) == _US_BYTES else None


def _read_comment(value: bytes) -> str:
    """Read an Error Comment, which peers write in their own language although it is ASCII; it is shown to operators."""
    try:
        words = value.decode("utf-8")
    except UnicodeDecodeError:
        words = value.decode("latin-1")
    return make_printable(words, " ").strip()[:_LONGEST_COMMENT]


def _read_text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip("\0 ")
