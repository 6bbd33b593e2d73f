"""Where a process writes the files that are not whole yet, apart from those of every other process.

incoming/OWNER/   files of one process
incoming/OWNER/.lock   locked as long as that process lives

Processes of one machine see by the lock who is gone. Machines that share the folder see it too where the file system
passes locks on (NFS 4 does), and `is_alive` has the last word where it does not.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

_LOCK: Final = ".lock"


def is_nobody(owner: str) -> bool:
    """Return False: who is alone on a folder knows that no other machine writes there."""
    del owner
    return False


class Workplace:
    """The folder of a process inside `root`, made when it is first needed; thread-safe.

    `owner` names the process; without it the name is drawn by lot. The lock is held until it is closed, or
    nobody has this object any more.
    """

    def __init__(self, root: Path, owner: str = "") -> None:
        self.root = root
        self._folder = root / f"{owner}.{secrets.token_hex(8)}" if owner else root / secrets.token_hex(8)
        self._prefix = f"{self._folder}{os.sep}"
        self._lock = threading.Lock()
        self._let_go: Callable[[], object] | None = None

    def begin(self) -> tuple[str, int]:
        """Create an empty file and return its path with its descriptor. Raises OSError."""
        path = self._prefix + secrets.token_hex(16)
        try:
            return path, _create(path)
        except FileNotFoundError:
            # the first file, or the folder's disk has come back without it; a root that is away is not made anew
            self._settle_in()
            return path, _create(path)

    def sweep(self, is_alive: Callable[[str], bool]) -> int:
        """Delete what processes left that are gone, and return the number of files. Raises OSError."""
        count = 0
        for place in list(self.root.iterdir()):
            if place == self._folder:
                continue
            if not place.is_dir():  # as versions before left them
                place.unlink(missing_ok=True)
                count += 1
            elif not is_alive(place.name.rpartition(".")[0]) and _is_abandoned(place):
                count += sum(1 for _ in place.glob("[!.]*"))
                shutil.rmtree(place, ignore_errors=True)
        return count

    def close(self) -> None:
        """Let go of the lock: nothing is written here any more."""
        with self._lock:
            if self._let_go is not None:
                self._let_go()

    def _settle_in(self) -> None:
        with self._lock:
            with contextlib.suppress(FileExistsError):
                self._folder.mkdir(mode=0o700)
            if self._let_go is not None:
                self._let_go()
            held = os.open(self._folder / _LOCK, os.O_CREAT | os.O_WRONLY, 0o600)
            self._let_go = weakref.finalize(self, os.close, held)
            with contextlib.suppress(OSError):  # a file system without locks: `is_alive` decides
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _create(path: str) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)


def _is_abandoned(place: Path) -> bool:
    """Return whether no process holds the lock of a folder."""
    try:
        descriptor = os.open(place / _LOCK, os.O_WRONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
