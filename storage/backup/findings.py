"""What a check of the node's data can find, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """A kind of finding."""

    REVISION = "revision"
    INDEX = "index"
    MISSING = "missing"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    ORPHAN = "orphan"
    DELIVERY = "delivery"


ADVICE: Final = MappingProxyType(
    {
        Kind.REVISION: "start the node, or run coronode database upgrade; then verify again",
        Kind.INDEX: "stop the node and restore the last backup; what was received since can be sent again",
        Kind.MISSING: "copy the file back from a backup, or have it sent again after coronode verify --repair",
        Kind.DAMAGED: "copy the file back from a backup, or have it sent again after coronode verify --repair",
        Kind.UNREADABLE: "let the node's user read it, or look after the disk; what the disk has lost, from a backup",
        Kind.ORPHAN: "harmless; coronode verify --repair moves it to lost+found",
        Kind.DELIVERY: "have the series scored again (coronode series rescore), or coronode outbox discard",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: its kind, what it is about (a UID, a name in the store), and in words what is wrong.

    `table` and `row` are those of an object whose file is missing or damaged; `name` is the name of a file.
    """

    kind: Kind
    about: str
    words: str
    table: str = ""
    row: int = 0
    name: str = ""

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.kind]
