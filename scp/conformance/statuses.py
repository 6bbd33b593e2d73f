"""The statuses that the node returns, by the section of the statement that lists them, and when it returns each.

The general meanings are those of PS3.7 annex C, the others those of the service (PS3.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dicom import status
from scp.conformance.table import format_table


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of a response, its meaning in the Standard, and when the node gives it."""

    status: int
    meaning: str
    when: str


ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = {
    "any request": (
        Answer(
            status.SOP_CLASS_NOT_SUPPORTED,
            "Refused: SOP class not supported",
            "the request came on a presentation context of another service, or brings an image in a transfer syntax "
            'outside the set "image"',
        ),
        Answer(status.UNRECOGNIZED_OPERATION, "Refused: unrecognized operation", "no service has this operation"),
    ),
    "verification": (Answer(status.SUCCESS, "Success", "always"),),
    "storage": (
        Answer(
            status.SUCCESS,
            "Success",
            "the file is synchronised to the disk and its row is committed; also for an object that is already stored",
        ),
        Answer(
            status.OUT_OF_RESOURCES,
            "Refused: out of resources",
            "too little free disk space, a failure of the disk or the database, or an error inside the node",
        ),
        Answer(
            status.DOES_NOT_MATCH,
            "Error: data set does not match SOP class",
            "SOP Class UID differs from the request's, or SOP Instance or SOP Class UID is missing; a CT image without "
            "Rows, Columns or Pixel Data",
        ),
        Answer(
            status.UNABLE_TO_PROCESS,
            "Error: cannot understand",
            "the data set cannot be read or is cut off, a UID that identifies the object cannot be used, or a CT image "
            "has fewer pixels than its header promises",
        ),
    ),
    "query": (
        Answer(status.PENDING, "Pending", "a match"),
        Answer(
            status.PENDING_UNSUPPORTED,
            "Pending: some keys are not supported",
            "a match, where the identifier has keys that are not in the table of keys, or of a lower level; they come "
            "back empty",
        ),
        Answer(status.SUCCESS, "Success", "no more matches"),
        Answer(status.CANCELLED, "Cancelled", "the peer sent C-CANCEL"),
        Answer(
            status.DOES_NOT_MATCH,
            "Identifier does not match SOP class",
            "the level is missing or wrong, or a key has too many values (50; 10000 UIDs)",
        ),
        Answer(status.UNABLE_TO_PROCESS, "Unable to process", "an error inside the node"),
    ),
    "report received": (
        Answer(status.SUCCESS, "Success", "the object was read"),
        Answer(
            status.SOP_CLASS_NOT_SUPPORTED,
            "Refused: SOP class not supported",
            "it was sent on a presentation context for which the peer did not accept the role",
        ),
        Answer(
            status.OUT_OF_RESOURCES,
            "Refused: out of resources",
            "there are 50 reports already, or it is longer than 16 MiB",
        ),
        Answer(status.UNABLE_TO_PROCESS, "Error: cannot understand", "it cannot be read"),
    ),
}

_OF_C_STORE: Final = (
    status.SUCCESS,
    status.GENERAL_WARNING,
    status.ATTRIBUTE_LIST_ERROR,
    status.DUPLICATE_SOP_INSTANCE,
    status.ATTRIBUTE_VALUE_OUT_OF_RANGE,
    status.WARNING,
    status.PROCESSING_FAILURE,
    status.DUPLICATE_INVOCATION,
    status.RESOURCE_LIMITATION,
    status.OUT_OF_RESOURCES,
    status.CANCELLED,
    status.INVALID_SOP_INSTANCE,
    status.SOP_CLASS_NOT_SUPPORTED,
    status.NOT_AUTHORIZED,
    status.DOES_NOT_MATCH,
    status.UNABLE_TO_PROCESS,
)
"""What a peer may answer (PS3.4 table B.2-1, PS3.7 9.1.1.1.9 and annex C), ranges by their first."""


def format_answers(section: str) -> str:
    """Format the table of a section. Raises KeyError when there is none."""
    rows = [(f"0x{answer.status:04X}", answer.meaning, answer.when) for answer in ANSWERS[section]]
    return format_table(("Status", "Meaning", "When"), rows)


def format_outcomes() -> str:
    """Format what each answer to our own C-STORE is taken as."""
    rows = [(f"0x{code:04X}", status.classify_outcome(code)) for code in _OF_C_STORE]
    return format_table(("Status", "Taken as"), rows)
