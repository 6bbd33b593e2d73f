"""The DIMSE status codes that the node returns or understands, each defined once and with its name.

PS3.7 annex C lists the general codes and says which are warnings, PS3.4 tables B.2-1 (C-STORE), C.4-1 (C-FIND),
C.4-2 (C-MOVE) and C.4-3 (C-GET) list those of the services.
"""

from __future__ import annotations

from typing import Final, Literal

from dicom.printable import make_printable

SUCCESS: Final = 0x0000
GENERAL_WARNING: Final = 0x0001
NO_SUCH_ATTRIBUTE: Final = 0x0105
INVALID_ATTRIBUTE_VALUE: Final = 0x0106
ATTRIBUTE_LIST_ERROR: Final = 0x0107
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
NO_SUCH_SOP_INSTANCE: Final = 0x0112
NO_SUCH_EVENT_TYPE: Final = 0x0113
NO_SUCH_ARGUMENT: Final = 0x0114
INVALID_ARGUMENT_VALUE: Final = 0x0115
ATTRIBUTE_VALUE_OUT_OF_RANGE: Final = 0x0116
INVALID_SOP_INSTANCE: Final = 0x0117
NO_SUCH_SOP_CLASS: Final = 0x0118
CLASS_INSTANCE_CONFLICT: Final = 0x0119
MISSING_ATTRIBUTE: Final = 0x0120
MISSING_ATTRIBUTE_VALUE: Final = 0x0121
SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
NO_SUCH_ACTION_TYPE: Final = 0x0123
NOT_AUTHORIZED: Final = 0x0124
DUPLICATE_TRANSACTION_UID: Final = 0x0131
"""A Failure Reason of Storage Commitment alone (PS3.3 C.14.1.1)."""
DUPLICATE_INVOCATION: Final = 0x0210
UNRECOGNIZED_OPERATION: Final = 0x0211
MISTYPED_ARGUMENT: Final = 0x0212
RESOURCE_LIMITATION: Final = 0x0213
OUT_OF_RESOURCES: Final = 0xA700
"""First of A7xx: refused, out of resources."""
DOES_NOT_MATCH: Final = 0xA900
"""First of A9xx: the data set (C-STORE) or the identifier (C-FIND) does not match the SOP class."""
CANNOT_COUNT_MATCHES: Final = 0xA701
"""Refused, out of resources: the matches of a retrieval cannot be counted."""
CANNOT_PERFORM_SUB_OPERATIONS: Final = 0xA702
"""Refused, out of resources: no sub-operation can be performed."""
MOVE_DESTINATION_UNKNOWN: Final = 0xA801
WARNING: Final = 0xB000
"""First of Bxxx: stored, with a warning; by itself (C-STORE), with data elements coerced."""
ELEMENTS_DISCARDED: Final = 0xB006
STORED_UNLIKE_SOP_CLASS: Final = 0xB007
UNABLE_TO_PROCESS: Final = 0xC000
"""First of Cxxx: cannot understand (C-STORE), unable to process (C-FIND, C-GET)."""
TRANSFER_SYNTAX_NOT_SUPPORTED: Final = 0xC122
"""A Failure Reason of STOW-RS alone (PS3.18 table I.2-2)."""
CANCELLED: Final = 0xFE00
PENDING: Final = 0xFF00
PENDING_UNSUPPORTED: Final = 0xFF01
"""Pending, though some optional keys of the identifier are not supported for matching."""

_LONGEST_COMMENT: Final = 64

Outcome = Literal["delivered", "transient", "permanent"]

_NAMES: Final = {
    SUCCESS: "success",
    GENERAL_WARNING: "warning",
    NO_SUCH_ATTRIBUTE: "no such attribute",
    INVALID_ATTRIBUTE_VALUE: "invalid attribute value",
    ATTRIBUTE_LIST_ERROR: "attribute list error",
    PROCESSING_FAILURE: "processing failure",
    DUPLICATE_SOP_INSTANCE: "duplicate SOP instance",
    NO_SUCH_SOP_INSTANCE: "no such SOP instance",
    NO_SUCH_EVENT_TYPE: "no such event type",
    NO_SUCH_ARGUMENT: "no such argument",
    INVALID_ARGUMENT_VALUE: "invalid argument value",
    ATTRIBUTE_VALUE_OUT_OF_RANGE: "attribute value out of range",
    INVALID_SOP_INSTANCE: "invalid SOP instance",
    NO_SUCH_SOP_CLASS: "no such SOP class",
    CLASS_INSTANCE_CONFLICT: "class-instance conflict",
    MISSING_ATTRIBUTE: "missing attribute",
    MISSING_ATTRIBUTE_VALUE: "missing attribute value",
    SOP_CLASS_NOT_SUPPORTED: "SOP class not supported",
    NO_SUCH_ACTION_TYPE: "no such action type",
    NOT_AUTHORIZED: "not authorized",
    DUPLICATE_TRANSACTION_UID: "duplicate transaction UID",
    DUPLICATE_INVOCATION: "duplicate invocation",
    UNRECOGNIZED_OPERATION: "unrecognized operation",
    MISTYPED_ARGUMENT: "mistyped argument",
    RESOURCE_LIMITATION: "resource limitation",
    CANNOT_COUNT_MATCHES: "out of resources: unable to calculate number of matches",
    CANNOT_PERFORM_SUB_OPERATIONS: "out of resources: unable to perform sub-operations",
    MOVE_DESTINATION_UNKNOWN: "move destination unknown",
    WARNING: "coercion of data elements",
    ELEMENTS_DISCARDED: "elements discarded",
    STORED_UNLIKE_SOP_CLASS: "data set does not match SOP class, but is stored",
    TRANSFER_SYNTAX_NOT_SUPPORTED: "transfer syntax not supported",
    CANCELLED: "cancelled",
    PENDING: "pending",
}
_WARNINGS: Final = frozenset({GENERAL_WARNING, ATTRIBUTE_LIST_ERROR, ATTRIBUTE_VALUE_OUT_OF_RANGE})
"""The warnings outside Bxxx (PS3.7 annex C)."""
_MAY_PASS: Final = frozenset({PROCESSING_FAILURE, DUPLICATE_INVOCATION, RESOURCE_LIMITATION, CANCELLED})


def format_status(status: int) -> str:
    """Describe a C-STORE status, for instance "0xA700 out of resources"."""
    if status in _NAMES:
        words = _NAMES[status]
    elif _is_out_of_resources(status):
        words = "out of resources"
    elif status & 0xFF00 == DOES_NOT_MATCH:
        words = "data set does not match SOP class"
    elif _is_warning(status):
        words = "warning"
    elif status & 0xF000 == UNABLE_TO_PROCESS:
        words = "cannot understand"
    else:
        words = "failure"
    return f"0x{status:04X} {words}"


def cut_comment(words: str) -> str:
    """Shorten a text to an Error Comment (0000,0902), an LO: at most 64 printable characters, ASCII, one value."""
    legible = make_printable(words).replace("\\", "?")
    return legible.encode("ascii", "replace").decode()[:_LONGEST_COMMENT]


def classify_outcome(status: int) -> Outcome:
    """Classify a peer's C-STORE status by what it means for the object that was sent.

    An object answered with a warning was stored (PS3.7 9.1.1.1.9): Bxxx, 0001, 0107 or 0116 (annex C). "Duplicate SOP
    instance" means that an earlier attempt arrived. A full or busy peer (A7xx, resource limitation, processing failure)
    may accept the object later; after any other failure, sending it again would not help.
    """
    if status in {SUCCESS, DUPLICATE_SOP_INSTANCE} or _is_warning(status):
        return "delivered"
    if status in _MAY_PASS or _is_out_of_resources(status):
        return "transient"
    return "permanent"


def _is_out_of_resources(status: int) -> bool:
    return status & 0xFF00 == OUT_OF_RESOURCES


def _is_warning(status: int) -> bool:
    return status & 0xF000 == WARNING or status in _WARNINGS
