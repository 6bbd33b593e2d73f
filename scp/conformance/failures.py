"""Why an object is not committed: the values of Failure Reason that the node gives, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dicom.commitment import FailureReason
from scp.conformance.table import format_table

_WHEN: Final[Mapping[FailureReason, str]] = {
    FailureReason.NO_SUCH_INSTANCE: "the node has no such object, or a rejection note took it out",
    FailureReason.CLASS_CONFLICT: "the object has another SOP class",
    FailureReason.CLASS_NOT_SUPPORTED: "the node stores no objects of this class, or drops them "
    '(`node.companions = "drop"`)',
    FailureReason.PROCESSING_FAILURE: "its file is not what was received any more, or another form of it, sent by "
    "this caller, lies in quarantine",
    FailureReason.DUPLICATE_TRANSACTION: "all references of a request whose Transaction UID was used for another one",
}


def format_failures() -> str:
    """Format the values of Failure Reason (0008,1197)."""
    return format_table(("Failure Reason", "When"), [(f"0x{reason:04X}", when) for reason, when in _WHEN.items()])
