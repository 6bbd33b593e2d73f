"""The statuses that the node returns, by the section of the statement that lists them, and when it returns each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from dicom import status
from scp.conformance.table import format_table


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of a response, its meaning in the Standard, and when the node gives it."""

    status: int
    meaning: str
    when: str


def _read_answers() -> dict[str, tuple[Answer, ...]]:
    text = resources.files("scp.conformance").joinpath("text/statuses.toml").read_text(encoding="utf-8")
    return {
        section: tuple(Answer(getattr(status, name), meaning, when) for name, (meaning, when) in answers.items())
        for section, answers in tomllib.loads(text).items()
    }


ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = _read_answers()
"""By section, in the order of the statement."""

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
