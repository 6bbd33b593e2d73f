"""What `coronode doctor` found."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """The outcome of a check, its name, and the finding with advice on how to repair it.

    A warning is something for a person to look at, not a fault of the installation.
    """

    ok: bool
    check: str
    finding: str
    warning: bool = False

    @property
    def mark(self) -> str:
        """Three characters in front of its line."""
        return "!! " if self.warning else "ok " if self.ok else "BAD"


def passed(check: str, finding: str) -> Finding:
    """Return the outcome of a check that found nothing wrong."""
    return Finding(ok=True, check=check, finding=finding)


def failed(check: str, finding: str) -> Finding:
    """Return the outcome of a check that found a fault."""
    return Finding(ok=False, check=check, finding=finding)
