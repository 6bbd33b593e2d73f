"""Command sets (PS3.7 6.3 and annex E): Implicit VR Little Endian, group 0000, one per message."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dicom.printable import make_printable
from scp.network import command_elements as elements
from scp.network.errors import INVALID_PARAMETER, Violation

C_STORE_RQ: Final = 0x0001
C_GET_RQ: Final = 0x0010
C_FIND_RQ: Final = 0x0020
C_MOVE_RQ: Final = 0x0021
C_ECHO_RQ: Final = 0x0030
N_EVENT_REPORT_RQ: Final = 0x0100
N_SET_RQ: Final = 0x0120
N_ACTION_RQ: Final = 0x0130
N_CREATE_RQ: Final = 0x0140
C_CANCEL_RQ: Final = 0x0FFF
RESPONSE: Final = 0x8000

_US_BYTES: Final = 2

_NUMBERS: Final = frozenset(
    {
        elements.FIELD,
        elements.MESSAGE_ID,
        elements.RESPONDED,
        elements.PRIORITY,
        elements.DATA_SET_TYPE,
        elements.STATUS,
        elements.EVENT_TYPE,
        elements.ACTION_TYPE,
        elements.ORIGINATOR_MESSAGE_ID,
        *elements.COUNTS,
    }
)
_TEXTS: Final = frozenset(
    {
        elements.AFFECTED_CLASS,
        elements.REQUESTED_CLASS,
        elements.AFFECTED_INSTANCE,
        elements.REQUESTED_INSTANCE,
        elements.DESTINATION,
        elements.ORIGINATOR_AE,
    }
)
_LONGEST_COMMENT: Final = 200


@dataclass(frozen=True, slots=True)
class SubOperations:
    """Numbers of C-STORE sub-operations (PS3.7 9.1.3, 9.1.4); `remaining` is None in a final response."""

    remaining: int | None
    completed: int
    failed: int
    warning: int


@dataclass(frozen=True, slots=True)
class Command:
    """The elements of a command set that the services need; requests have `message_id`, responses `responded`.

    `destination` is the Move Destination; `originator_ae` and `originator_message_id` name the C-MOVE that a C-STORE
    belongs to.
    """

    field: int
    has_data_set: bool
    message_id: int = 0
    responded: int = 0
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    status: int | None = None
    comment: str = ""
    destination: str = ""
    priority: int = elements.MEDIUM
    originator_ae: str = ""
    originator_message_id: int | None = None
    event_type: int | None = None
    action_type: int | None = None
    sub_operations: SubOperations | None = None

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
    field, data_set = numbers.get(elements.FIELD), numbers.get(elements.DATA_SET_TYPE)
    if field is None or data_set is None:
        raise Violation(INVALID_PARAMETER, "a command set without Command Field or Command Data Set Type")
    needed = elements.RESPONDED if field & RESPONSE or field == C_CANCEL_RQ else elements.MESSAGE_ID
    if numbers.get(needed) is None:
        missing = "Message ID" if needed == elements.MESSAGE_ID else "Message ID Being Responded To"
        raise Violation(INVALID_PARAMETER, f"a command set without {missing}")
    return Command(
        field=field,
        has_data_set=data_set != elements.NO_DATA_SET,
        message_id=numbers.get(elements.MESSAGE_ID) or 0,
        responded=numbers.get(elements.RESPONDED) or 0,
        sop_class_uid=texts.get(elements.AFFECTED_CLASS) or texts.get(elements.REQUESTED_CLASS) or "",
        sop_instance_uid=texts.get(elements.AFFECTED_INSTANCE) or texts.get(elements.REQUESTED_INSTANCE) or "",
        status=numbers.get(elements.STATUS),
        comment=_read_comment(values.get(elements.COMMENT, b"")),
        destination=texts.get(elements.DESTINATION, ""),
        priority=numbers.get(elements.PRIORITY) or elements.MEDIUM,
        originator_ae=texts.get(elements.ORIGINATOR_AE, ""),
        originator_message_id=numbers.get(elements.ORIGINATOR_MESSAGE_ID),
        event_type=numbers.get(elements.EVENT_TYPE),
        action_type=numbers.get(elements.ACTION_TYPE),
        sub_operations=_read_counts(numbers),
    )


def encode_response(
    request: Command,
    status: int,
    *,
    has_data_set: bool = False,
    comment: str = "",
    error_id: int | None = None,
    sub_operations: SubOperations | None = None,
    sop_instance_uid: str = "",
) -> bytes:
    """Encode a response to `request` (PS3.7 9.3, 10.3), with Error Comment (0000,0902) and Error ID if given.

    `sop_instance_uid` is that of an instance created without one in the request (N-CREATE).
    """
    instance = request.sop_instance_uid or sop_instance_uid
    parts = [
        elements.encode_uid(elements.AFFECTED_CLASS, request.sop_class_uid) if request.sop_class_uid else b"",
        elements.encode_us(elements.FIELD, request.field | RESPONSE),
        elements.encode_us(elements.RESPONDED, request.message_id),
        elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET if has_data_set else elements.NO_DATA_SET),
        elements.encode_us(elements.STATUS, status),
        elements.encode_text(elements.COMMENT, comment) if comment else b"",
        b"" if error_id is None else elements.encode_us(elements.ERROR_ID, error_id),
        elements.encode_uid(elements.AFFECTED_INSTANCE, instance) if instance else b"",
        b"" if request.event_type is None else elements.encode_us(elements.EVENT_TYPE, request.event_type),
        b"" if request.action_type is None else elements.encode_us(elements.ACTION_TYPE, request.action_type),
        b"" if sub_operations is None else _encode_counts(sub_operations),
    ]
    return elements.encode_group(parts)


def _encode_counts(counts: SubOperations) -> bytes:
    numbers = (counts.remaining, counts.completed, counts.failed, counts.warning)
    return b"".join(
        elements.encode_us(tag, min(number, 0xFFFF))
        for tag, number in zip(elements.COUNTS, numbers, strict=True)
        if number is not None
    )


def _read_counts(numbers: Mapping[int, int | None]) -> SubOperations | None:
    if not any(numbers.get(tag) is not None for tag in elements.COUNTS):
        return None
    remaining, completed, failed, warning = (numbers.get(tag) for tag in elements.COUNTS)
    return SubOperations(remaining, completed or 0, failed or 0, warning or 0)


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
