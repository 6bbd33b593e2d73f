"""How a campaign goes: told while it runs, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from scp.fetching.outcome import Ending, Outcome


class Teller(Protocol):
    """Is told how it goes, from several threads."""

    def took(self) -> None:
        """A request was taken."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """A study, or a request without one, has its outcome."""
        ...

    def waits(self, reason: str, seconds: float) -> None:
        """Nothing is fetched for this time."""
        ...


@dataclass(slots=True)
class Summary:
    """What became of a campaign. `known` requests were done by an earlier run.

    `is_cut` says that it was stopped before its end, `given_up` which failure of the archive was waited for in vain.
    """

    endings: Counter[Ending] = field(default_factory=Counter)
    objects: int = 0
    size: int = 0
    known: int = 0
    is_cut: bool = False
    given_up: str = ""

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.endings[outcome.ending] += 1
        self.objects += outcome.received
        self.size += outcome.size

    @property
    def is_good(self) -> bool:
        """True when everything that was asked for is here, or was left on purpose."""
        return not (self.is_cut or self.endings["not_found"] or self.endings["refused"] or self.endings["failed"])
