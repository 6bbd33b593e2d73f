"""Copies of a bucket's objects on a local disk: what was used longest ago goes first, nothing that is in use.

Several processes of a machine share the folder. A copy's modification time is when it was last asked for, in seconds
of the machine's monotonic clock: the same for all its processes, and no matter what the time of day does. Copies of an
earlier start of the machine may be torn by a power cut, and their times mean nothing; they lie apart and are deleted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.objects.boot import identify_boot
from storage.objects.disk import make_folder

IN_USE_SECONDS: Final = 900.0
"""So long after it was asked for a copy stays: longer than reading a series takes."""

_IDLE_SECONDS: Final = 24 * 3600.0
"""So long after it was last asked for a copy goes in any case: what another machine has deleted must not stay here."""
_TIDY_SECONDS: Final = 900.0

_SCANNED_AFTER: Final = 1 / 20
"""Of the limit: when so much has been added, the folder is measured."""
_LEFT: Final = 0.9
"""Of the limit: what is left after something had to go."""


class Cache:
    """A folder of copies, of at most `limit_bytes` besides what is in use; thread-safe."""

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root = root
        self._folder = root / (identify_boot() or "unknown")
        self._limit = limit_bytes
        self._added = 0
        self._tidied = time.monotonic()
        self._lock = threading.Lock()
        self._tidying = threading.Lock()

    def path(self, name: str) -> Path:
        """Return the place of a copy."""
        return self._folder / name

    def find(self, name: str, size: int | None = None) -> Path | None:
        """Return the copy of an object and note its use; None without one, or with one of another size in bytes."""
        path = self.path(name)
        try:
            if size is not None and path.stat().st_size != size:
                return None
            _touch(path)
        except OSError:
            return None
        return path

    def take(self, path: Path, name: str) -> Path:
        """Move a file of the same file system into the cache, and make room. Raises OSError."""
        place = self.path(name)
        size = path.stat().st_size
        _touch(path)
        try:
            path.replace(place)
        except FileNotFoundError:
            make_folder(place.parent)
            path.replace(place)
        with self._lock:
            self._added += size
            is_due = self._added > self._limit * _SCANNED_AFTER or time.monotonic() - self._tidied > _TIDY_SECONDS
        if is_due:
            self.tidy()
        return place

    def drop(self, name: str) -> None:
        """Delete a copy if there is one."""
        with contextlib.suppress(OSError):
            self.path(name).unlink(missing_ok=True)

    def tidy(self) -> int:
        """Delete the copies that were used longest ago until the rest fits, and return how many; one thread at a time.

        A limit may be exceeded by what is in use.
        """
        if not self._tidying.acquire(blocking=False):
            return 0
        try:
            with self._lock:
                self._added, self._tidied = 0, time.monotonic()
            return self._tidy()
        finally:
            self._tidying.release()

    def sweep(self) -> None:
        """Delete the copies of earlier starts of the machine, and make room."""
        if self._root.is_dir():
            for place in list(self._root.iterdir()):
                if place != self._folder:
                    shutil.rmtree(place, ignore_errors=True)
        self.tidy()

    def _tidy(self) -> int:
        found = sorted(_measure(self._folder))
        left = sum(size for _, size, _ in found)
        count, now = 0, time.monotonic()
        enough = self._limit * _LEFT if left > self._limit else self._limit
        for used, size, path in found:
            if now - used < IN_USE_SECONDS or (left <= enough and now - used < _IDLE_SECONDS):
                break
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)
                left -= size
                count += 1
        return count


def _measure(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Yield time of last use, size in bytes and path of each copy."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118  # a hundred thousand of them: no objects for paths
            with contextlib.suppress(OSError):
                status = os.stat(path)  # noqa: PTH116
                yield status.st_mtime, status.st_size, path


def _touch(path: Path) -> None:
    now = time.monotonic()
    os.utime(path, (now, now))
