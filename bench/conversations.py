"""Whole conversations of well-behaved peers, one for each family of services, which `bench.mutate` then breaks.

A conversation is an A-ASSOCIATE-RQ and parts of messages. A later part is sent once the node has made a request of its
own, to which it begins with the response: a C-STORE sub-operation of a C-GET, or an N-EVENT-REPORT.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from dicom import status
from dicom.commitment import CommitmentRequest, CommitmentResult, Reference
from dicom.sop_classes import (
    PERFORMED_PROCEDURE_STEP,
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
    STUDY_ROOT_FIND,
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    VERIFICATION,
)
from scp.network import associate, command, negotiation, pdu, requests
from scp.network import command_elements as elements
from scp.network.command import Command
from scp.network.negotiation import PresentationContext
from scp.network.user_information import (
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    OperationsWindow,
    UserIdentity,
)
from scp.services.storage import IMAGE_STORAGE

EXPLICIT: Final = "1.2.840.10008.1.2.1"
STUDY, SERIES, UID = "1.2.3", "1.2.3.4", "1.2.3.4.1"
SINK, DEAD, UNKNOWN = "SINK", "DEAD", "NOBODY"
"""Move destinations: one that listens, one that does not, one that is not configured."""
CANCELLED: Final = 4
OPTIONS: Final[dict[str, Any]] = {
    "operations_window": OperationsWindow(0, 0),
    "extended": (
        ExtendedNegotiation(STUDY_ROOT_FIND, bytes([1] * 7)),
        ExtendedNegotiation(IMAGE_STORAGE[0], bytes([3, 0, 0, 0, 2, 0])),
    ),
    "common_extended": (CommonExtendedNegotiation(IMAGE_STORAGE[1], "1.2.840.10008.4.2", (IMAGE_STORAGE[0],)),),
    "identity": UserIdentity(2, response_requested=True, primary=b"USER", secondary=b"PASS"),
}
_ROOM: Final = 16378
_SHORT: Final = 300  # bytes of data in a PDU of an image, so that it has several


@dataclass(frozen=True)
class Message:
    """A command set and a data set, not yet in PDUs."""

    context_id: int
    command: bytes
    data: bytes = b""
    room: int = _ROOM

    def encode(self) -> bytes:
        """Encode the PDUs."""
        parts = pdu.encode_fragments(self.command, self.context_id, _ROOM, is_command=True)
        if self.data:
            parts = [*parts, *pdu.encode_fragments(self.data, self.context_id, self.room, is_command=False)]
        return b"".join(parts)


@dataclass(frozen=True)
class Conversation:
    """An A-ASSOCIATE-RQ, and parts of messages; a release follows."""

    opening: bytes
    parts: tuple[tuple[Message, ...], ...]

    def encode(self) -> list[bytes]:
        """Encode the parts, the first with the opening, the last with the release."""
        encoded = [b"".join(message.encode() for message in part) for part in self.parts]
        encoded[0] = self.opening + encoded[0]
        encoded[-1] += pdu.RELEASE_RQ
        return encoded


def store_and_query(number: int = 0) -> Conversation:
    """C-ECHO, C-STORE, three C-FINDs sent without waiting, one of them cancelled."""
    del number
    identifier = encode_text(0x0008, 0x0018, b"UI", "") + _encode_keys("IMAGE")
    finds = [
        Message(5, requests.encode_query(command.C_FIND_RQ, message_id, STUDY_ROOT_FIND), identifier)
        for message_id in (3, CANCELLED, 5)
    ]
    messages = (
        Message(3, requests.encode_echo(1, VERIFICATION)),
        Message(1, requests.encode_store(2, IMAGE_STORAGE[0], UID), encode_image(UID), _SHORT),
        *finds,
        Message(5, requests.encode_cancel(CANCELLED)),
    )
    return Conversation(_open(IMAGE_STORAGE[0], VERIFICATION, STUDY_ROOT_FIND), (messages,))


def retrieve(number: int = 0) -> Conversation:
    """C-GET of a series whose objects the peer takes, C-MOVEs to three destinations, one of them cancelled."""
    series = _encode_keys("SERIES")
    image = encode_text(0x0008, 0x0018, b"UI", UID) + _encode_keys("IMAGE")
    destination = (SINK, DEAD, UNKNOWN)[number % 3]
    return Conversation(
        _open(STUDY_ROOT_GET, STUDY_ROOT_MOVE, as_scp={IMAGE_STORAGE[0]}),
        (
            (Message(1, requests.encode_query(command.C_GET_RQ, 1, STUDY_ROOT_GET), series),),
            (
                Message(5, _respond(command.C_STORE_RQ, 1, IMAGE_STORAGE[0], UID)),
                Message(3, requests.encode_query(command.C_MOVE_RQ, 2, STUDY_ROOT_MOVE, destination), series),
                Message(3, requests.encode_query(command.C_MOVE_RQ, CANCELLED, STUDY_ROOT_MOVE, SINK), image),
                Message(3, requests.encode_cancel(CANCELLED)),
            ),
        ),
    )


def commit(number: int = 0) -> Conversation:
    """N-ACTION for three objects, an answer to the report on them, and a report on a transaction of the node."""
    transaction = f"1.2.3.8.{number}"
    known, absent = Reference(IMAGE_STORAGE[0], UID), Reference(IMAGE_STORAGE[0], f"{UID}.9")
    asked = CommitmentRequest(transaction, (known, Reference(STUDY_ROOT_FIND, UID), absent))
    told = CommitmentResult(transaction, (known,), ((absent, status.NO_SUCH_SOP_INSTANCE),))
    well_known = (STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE)
    return Conversation(
        _open(STORAGE_COMMITMENT, both={STORAGE_COMMITMENT}),
        (
            (Message(1, requests.encode_action(1, *well_known, 1), asked.encode(implicit=False)),),
            (
                Message(1, _respond(command.N_EVENT_REPORT_RQ, 1, *well_known)),
                Message(1, requests.encode_event_report(3, *well_known, 2), told.encode(implicit=False)),
            ),
        ),
    )


def perform(number: int = 0) -> Conversation:
    """N-CREATE of a procedure step, N-SETs of its series and of its end, and one that comes too late."""
    step = f"1.2.3.7.{number}"
    begun = encode_text(0x0040, 0x0252, b"CS", "IN PROGRESS")
    ended = encode_text(0x0040, 0x0250, b"DA", "20260301") + encode_text(0x0040, 0x0252, b"CS", "COMPLETED")
    scheduled = encode_sequence(0x0040, 0x0270, encode_text(0x0020, 0x000D, b"UI", STUDY))
    referenced = encode_text(0x0008, 0x1150, b"UI", IMAGE_STORAGE[0]) + encode_text(0x0008, 0x1155, b"UI", UID)
    series = encode_sequence(
        0x0040,
        0x0340,
        encode_sequence(0x0008, 0x1140, referenced) + encode_text(0x0020, 0x000E, b"UI", SERIES),
    )
    created = (
        encode_text(0x0008, 0x0060, b"CS", "CT")
        + encode_text(0x0040, 0x0241, b"AE", "SCANNER")
        + encode_text(0x0040, 0x0244, b"DA", "20260301")
        + encode_text(0x0040, 0x0245, b"TM", "1015")
        + begun
        + encode_text(0x0040, 0x0253, b"SH", "STEP")
        + scheduled
    )
    messages = (
        Message(1, _create(1, step), created),
        Message(1, _set(2, step), begun + series),
        Message(1, _set(3, step), ended + series),
        Message(1, _set(4, step), ended),
    )
    return Conversation(_open(PERFORMED_PROCEDURE_STEP), (messages,))


KINDS: Final[Mapping[str, Callable[[int], Conversation]]] = {
    "objects": store_and_query,
    "retrieval": retrieve,
    "commitment": commit,
    "steps": perform,
}


def _open(*sop_classes: str, as_scp: set[str] | None = None, both: set[str] | None = None) -> bytes:
    """Encode an A-ASSOCIATE-RQ with a context for each class; of `as_scp` the peer is SCP, of `both` either."""
    proposals = [
        *(PresentationContext(uid, (EXPLICIT,), as_scp=uid in (both or ())) for uid in sop_classes),
        *(PresentationContext(uid, (EXPLICIT,), as_scu=False, as_scp=True) for uid in as_scp or ()),
    ]
    _, request = negotiation.propose("SCANNER", "CORONODE", proposals, 16384)
    body = associate.encode_request(replace(request, user=replace(request.user, **OPTIONS)))
    return pdu.encode_associate(pdu.A_ASSOCIATE_RQ, body)


def _respond(field: int, message_id: int, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    request = Command(
        field, has_data_set=True, message_id=message_id, sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid
    )
    return command.encode_response(request, status.SUCCESS)


def _encode_keys(level: str) -> bytes:
    """Encode level, study and series of an identifier."""
    above = encode_text(0x0020, 0x000D, b"UI", STUDY) + encode_text(0x0020, 0x000E, b"UI", SERIES)
    return encode_text(0x0008, 0x0052, b"CS", level) + above


def _create(message_id: int, sop_instance_uid: str) -> bytes:
    return elements.encode_group(
        [
            elements.encode_uid(elements.AFFECTED_CLASS, PERFORMED_PROCEDURE_STEP),
            elements.encode_us(elements.FIELD, command.N_CREATE_RQ),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET),
            elements.encode_uid(elements.AFFECTED_INSTANCE, sop_instance_uid),
        ]
    )


def _set(message_id: int, sop_instance_uid: str) -> bytes:
    return elements.encode_group(
        [
            elements.encode_uid(elements.REQUESTED_CLASS, PERFORMED_PROCEDURE_STEP),
            elements.encode_us(elements.FIELD, command.N_SET_RQ),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET),
            elements.encode_uid(elements.REQUESTED_INSTANCE, sop_instance_uid),
        ]
    )


def encode_text(group: int, element: int, vr: bytes, value: str) -> bytes:
    """Encode an element in Explicit VR Little Endian, padded to an even length."""
    raw = value.encode()
    raw += (b"\0" if vr == b"UI" else b" ") * (len(raw) % 2)
    return struct.pack("<HH2sH", group, element, vr, len(raw)) + raw


def encode_sequence(group: int, element: int, item: bytes) -> bytes:
    """Encode a sequence of one item, both of undefined length."""
    return b"".join(
        (
            struct.pack("<HH2sHI", group, element, b"SQ", 0, 0xFFFFFFFF),
            struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF),
            item,
            struct.pack("<HHI", 0xFFFE, 0xE00D, 0),
            struct.pack("<HHI", 0xFFFE, 0xE0DD, 0),
        )
    )


def encode_image(uid: str) -> bytes:
    """Encode a small CT image."""
    return b"".join(
        (
            encode_text(0x0008, 0x0016, b"UI", IMAGE_STORAGE[0]),
            encode_text(0x0008, 0x0018, b"UI", uid),
            encode_text(0x0008, 0x0060, b"CS", "CT"),
            encode_sequence(0x0008, 0x1140, encode_text(0x0008, 0x1155, b"UI", "1.2.")),
            encode_text(0x0010, 0x0020, b"LO", "77"),
            encode_text(0x0020, 0x000D, b"UI", STUDY),
            encode_text(0x0020, 0x000E, b"UI", SERIES),
            struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 1),
            struct.pack("<HH2sHH", 0x0028, 0x0011, b"US", 2, 1),
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 800) + bytes(800),
        )
    )
