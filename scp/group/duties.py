"""Work that one process of a group does for all: each duty is held by one of them at a time."""

from __future__ import annotations

from typing import Literal, Protocol

Duty = Literal["completion", "witness", "retention", "audit", "alerts"]


class Duties(Protocol):
    """Tells whether this process does a piece of the common work now."""

    def holds(self, duty: Duty) -> bool:
        """Return whether a duty is this process's own; ask again before each piece of work."""
        ...


class EveryDuty:
    """The duties of a node that works alone."""

    def holds(self, duty: Duty) -> bool:  # noqa: ARG002  # part of the interface
        """Return True."""
        return True
