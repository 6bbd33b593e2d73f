"""One installation of the node: the things that every stage of its work needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from config.settings import Settings
from storage.database.engine import Database
from storage.objects.files import Files


def utc_now() -> datetime:
    """The wall clock of an installation, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings, index, files and clock, handed on as one; a test gives a clock of its own."""

    settings: Settings
    database: Database
    files: Files
    clock: Callable[[], datetime] = utc_now
