"""One installation of the node: what every stage of its work needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from config.settings import Settings
from storage.database.engine import Database
from storage.objects.files import Files


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings, index, files and clock, passed on together; a test supplies its own clock."""

    settings: Settings
    database: Database
    files: Files
    clock: Callable[[], datetime] = utc_now
