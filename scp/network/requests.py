"""Requests of the message service, encoded (PS3.7 9.3 and 10.3); each takes the Message ID first."""

from __future__ import annotations

from collections.abc import Callable

from scp.network import command
from scp.network import command_elements as elements

MakeRequest = Callable[[int], bytes]
"""Encodes a request with this Message ID."""


def encode_store(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    originator: tuple[str, int] | None = None,
    *,
    priority: int = elements.MEDIUM,
) -> bytes:
    """Encode a C-STORE-RQ (9.3.1.1); `originator` is the AE title and Message ID of the C-MOVE that it belongs to."""
    title, number = originator or ("", 0)
    return elements.encode_group(
        [
            elements.encode_uid(elements.AFFECTED_CLASS, sop_class_uid),
            elements.encode_us(elements.FIELD, command.C_STORE_RQ),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_us(elements.PRIORITY, priority),
            elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET),
            elements.encode_uid(elements.AFFECTED_INSTANCE, sop_instance_uid),
            elements.encode_text(elements.ORIGINATOR_AE, title) if originator else b"",
            elements.encode_us(elements.ORIGINATOR_MESSAGE_ID, number) if originator else b"",
        ]
    )


def encode_echo(message_id: int, sop_class_uid: str) -> bytes:
    """Encode a C-ECHO-RQ (9.3.5.1)."""
    return elements.encode_group(
        [
            elements.encode_uid(elements.AFFECTED_CLASS, sop_class_uid),
            elements.encode_us(elements.FIELD, command.C_ECHO_RQ),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_us(elements.DATA_SET_TYPE, elements.NO_DATA_SET),
        ]
    )


def encode_query(field: int, message_id: int, sop_class_uid: str, destination: str = "") -> bytes:
    """Encode a C-FIND-RQ, C-GET-RQ or C-MOVE-RQ, by its Command Field; the identifier follows (9.3.2.1 to 9.3.4.1).

    `destination` is the AE title that a C-MOVE sends to.
    """
    return elements.encode_group(
        [
            elements.encode_uid(elements.AFFECTED_CLASS, sop_class_uid),
            elements.encode_us(elements.FIELD, field),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_text(elements.DESTINATION, destination) if destination else b"",
            elements.encode_us(elements.PRIORITY, elements.MEDIUM),
            elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET),
        ]
    )


def encode_cancel(responded: int) -> bytes:
    """Encode a C-CANCEL-RQ for the request with this Message ID (9.3.2.3)."""
    return elements.encode_group(
        [
            elements.encode_us(elements.FIELD, command.C_CANCEL_RQ),
            elements.encode_us(elements.RESPONDED, responded),
            elements.encode_us(elements.DATA_SET_TYPE, elements.NO_DATA_SET),
        ]
    )


def encode_event_report(message_id: int, sop_class_uid: str, sop_instance_uid: str, event_type: int) -> bytes:
    """Encode an N-EVENT-REPORT-RQ with event information (10.3.1.1)."""
    return elements.encode_group(
        [
            elements.encode_uid(elements.AFFECTED_CLASS, sop_class_uid),
            elements.encode_us(elements.FIELD, command.N_EVENT_REPORT_RQ),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET),
            elements.encode_uid(elements.AFFECTED_INSTANCE, sop_instance_uid),
            elements.encode_us(elements.EVENT_TYPE, event_type),
        ]
    )


def encode_action(message_id: int, sop_class_uid: str, sop_instance_uid: str, action_type: int) -> bytes:
    """Encode an N-ACTION-RQ with action information (10.3.4.1)."""
    return elements.encode_group(
        [
            elements.encode_uid(elements.REQUESTED_CLASS, sop_class_uid),
            elements.encode_us(elements.FIELD, command.N_ACTION_RQ),
            elements.encode_us(elements.MESSAGE_ID, message_id),
            elements.encode_us(elements.DATA_SET_TYPE, elements.HAS_DATA_SET),
            elements.encode_uid(elements.REQUESTED_INSTANCE, sop_instance_uid),
            elements.encode_us(elements.ACTION_TYPE, action_type),
        ]
    )
