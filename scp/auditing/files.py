"""Audit messages in files: one a day, each line a syslog message."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from config.errors import Transient

_PATTERN: Final = "audit-%Y-%m-%d.log"


class Folder:
    """A folder of audit files, closed to other users; nothing in it is ever changed or removed by the node."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, lines: Sequence[tuple[datetime, str]]) -> None:
        """Append messages to the files of their days, durably. Raises Transient when the disk does not take them."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, same in groupby(lines, key=lambda line: line[0].astimezone(UTC).strftime(_PATTERN)):
                self._append(self._folder / name, "".join(f"{line}\n" for _, line in same).encode())
        except OSError as error:
            raise Transient(f"audit.folder: {self._folder} cannot be written: {error.strerror or error}") from error

    def _append(self, file: Path, data: bytes) -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
