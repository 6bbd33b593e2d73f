"""What peers did, as the text of an event: written where it happens, read by messages, pages and commands.

The text is JSON, so that the chain covers it and nobody has to parse prose. What an older version wrote in its place
stays readable: fields that are missing have their defaults, and a text that is no such JSON is no statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from pydicom.uid import UID

QUERIED: Final = "peer-queried"
PEER_RETRIEVING: Final = "peer-retrieving"
PEER_RETRIEVED: Final = "peer-retrieved"
RETRIEVED: Final = "retrieved"
REFUSED: Final = "peer-refused"
LOST: Final = "events-lost"

MOST_SERIES: Final = 100
"""That one statement names."""
CANCELLED: Final = "cancelled"
INTERRUPTED: Final = "interrupted"
"""By the end of an association or of the node."""
LIMITS: Final = frozenset({"limit", "peer_limit", "silent"})
"""Refusals for the number of connections: whoever is refused may be who it says it is."""


@dataclass(frozen=True, slots=True)
class Queried:
    """A query of a peer at `host`.

    `query` is its identifier in Base64, encoded in the transfer syntax; "" when it is too long to be kept or cannot be
    read. `failed` tells that it was answered with a failure, `count` how often it came.
    """

    sop_class_uid: str
    transfer_syntax_uid: str
    host: str
    query: str = ""
    level: str = ""
    failed: bool = False
    count: int = 1

    def describe(self) -> str:
        """Say it in words."""
        words = f"{UID(self.sop_class_uid).name}, level {self.level or 'unknown'}, from {self.host}"
        return f"{words}{', refused' if self.failed else ''}{_times(self.count)}"


@dataclass(frozen=True, slots=True)
class Retrieving:
    """Objects of one study that are about to be sent to who asked for them, or by C-MOVE to the AE title `to`.

    `classes` counts them by SOP Class. `series` are those of the objects, at most `MOST_SERIES`.
    """

    operation: str
    study_instance_uid: str
    series: tuple[str, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    to: str = ""
    host: str = ""

    def describe(self) -> str:
        """Say it in words."""
        return f"{self.operation} begins: {_count(self.classes)}{_to(self.to)}, study {self.study_instance_uid}"


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Objects of one study that were sent to who asked for them, or by C-MOVE to the AE title `to`.

    `classes` counts those sent by SOP Class; `unsent` could not be sent; `unsure` were on their way when the
    association ended, so that nobody knows whether they arrived. `end` says what ended it early, `CANCELLED` or
    `INTERRUPTED`, before `left` of them were tried. `series` are those of the objects, at most `MOST_SERIES`.
    """

    operation: str
    study_instance_uid: str
    series: tuple[str, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)
    unsent: int = 0
    to: str = ""
    host: str = ""
    unsure: int = 0
    end: str = ""
    left: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all that was to be sent was sent."""
        return not (self.unsent or self.unsure or self.left or self.end)

    def describe(self) -> str:
        """Say it in words."""
        return "".join(
            (
                f"{self.operation}: {_count(self.classes)}{_to(self.to)}",
                f", {self.unsent} not sent" if self.unsent else "",
                f", {self.unsure} perhaps sent" if self.unsure else "",
                f", {self.end}" if self.end else "",
                f", {self.left} left" if self.left else "",
                f", study {self.study_instance_uid}",
            )
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A peer at `host` that was refused, `count` times; `why` as the metric of refused associations counts it."""

    why: str
    host: str
    words: str = ""
    count: int = 1

    def describe(self) -> str:
        """Say it in words."""
        return f"{self.host}: {self.words}{_times(self.count)}"


@dataclass(frozen=True, slots=True)
class Lost:
    """Events that could not be entered, because the database took none for too long."""

    count: int

    def describe(self) -> str:
        """Say it in words."""
        return f"{self.count} events of peers are missing here: the database took none for too long"


Statement = Queried | Retrieving | Retrieved | Refused | Lost
_CLASSES: Final[Mapping[str, type[Statement]]] = {
    QUERIED: Queried,
    PEER_RETRIEVING: Retrieving,
    PEER_RETRIEVED: Retrieved,
    RETRIEVED: Retrieved,
    REFUSED: Refused,
    LOST: Lost,
}


def write(statement: Statement) -> str:
    """Return the text of an event."""
    return json.dumps(asdict(statement), separators=(",", ":"))


def read(kind: str, text: str) -> Statement | None:
    """Read the text of an event; None where it is no statement."""
    made = _CLASSES.get(kind)
    if made is None:
        return None
    try:
        values: dict[str, Any] = json.loads(text)
        types = {item.name: str(item.type) for item in fields(made)}
        return made(**{name: _convert(types[name], value) for name, value in values.items() if name in types})
    except (ValueError, TypeError, AttributeError):
        return None


def describe(kind: str, text: str) -> str:
    """Return the text of an event in words."""
    statement = read(kind, text)
    return text if statement is None else statement.describe()


def _convert(kind: str, value: Any) -> Any:
    """Return a value of JSON as a field has it. Raises ValueError, TypeError and AttributeError."""
    if kind.startswith("tuple"):
        return tuple(map(str, value))
    if kind.startswith("Mapping"):
        return {str(name): int(count) for name, count in value.items()}
    return {"str": str, "int": int, "bool": bool}[kind](value)


def _count(classes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {UID(uid).name}" for uid, count in sorted(classes.items())) or "nothing"


def _to(ae_title: str) -> str:
    return f" to {ae_title}" if ae_title else ""


def _times(count: int) -> str:
    return f", {count} times" if count > 1 else ""
