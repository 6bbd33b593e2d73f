"""Sentences as data: a stable code with its values, and the English text for people who read the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from config.errors import Value

Severity = Literal["info", "warning", "reject"]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a result: a caveat, a reason, a note, a source.

    `code` names the sentence in the catalogue, `values` fill its placeholders; where one code has several sentences,
    the value `variant` chooses. `text` is the sentence in English, empty until the result leaves the engine. A result
    of version 0.1.0 has the text alone: its `code` is empty.
    """

    code: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    text: str = ""

    @classmethod
    def build(cls, code: str, /, **values: Value) -> Self:
        """A statement of that code, its text still to be filled in."""
        return cls(code, values)


@dataclass(frozen=True, slots=True)
class Flag:
    """A remark that a reader of the score should know; `reject` made the series not scorable.

    `code` is stable for machines; `values` and `message` are those of a `Statement`.
    """

    code: str
    severity: Severity
    message: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def build(cls, code: str, severity: Severity, /, **values: Value) -> Self:
        """A flag whose message is still to be filled in."""
        return cls(code, severity, "", values)
