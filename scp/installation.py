"""One installation of the node: what every stage of its work needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from config.settings import Settings
from storage.database.engine import Database
from storage.objects.files import Files


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def _nobody() -> str:
    """Return the owner of what a process claims that works in no group."""
    return ""


@dataclass(slots=True)
class Installation:
    """Settings, index, files and clock, passed on together; a test supplies its own clock.

    The settings are replaced as a whole when the configuration is read again: who needs several of them to agree reads
    them once, or takes them `still`. `owner` returns the member of the group that this process is, which its claims
    carry.
    """

    settings: Settings
    database: Database
    files: Files
    clock: Callable[[], datetime] = utc_now
    owner: Callable[[], str] = _nobody

    def still(self) -> Installation:
        """Return the installation as it is now, for a piece of work that is done by one configuration."""
        return replace(self)
