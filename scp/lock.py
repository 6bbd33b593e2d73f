"""A lock on a data folder: one node works on it alone, or those of a group share it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from config.errors import ConfigurationError
from storage.objects.disk import secure_folder

FILE_NAME: Final = "coronode.lock"


_PROBE_SECONDS: Final = 0.2
"""Longer than somebody who asks whether the lock is held keeps it from a node that starts."""


class DataLock:
    """An advisory lock on a data folder; the system releases it whenever and however the process ends.

    One that is `shared` keeps out only a node that works on the folder alone.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self._path = folder / FILE_NAME
        self._shared = shared
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises ConfigurationError when another node holds it or the folder cannot be written."""
        kind = fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX
        try:
            secure_folder(self._path.parent)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PROBE_SECONDS)
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise ConfigurationError(
                f"node.data_dir: another node is running on {self._path.parent}; stop it, or choose another folder"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"node.data_dir: cannot write in {self._path.parent}: {error.strerror or error}"
            ) from error

    def is_held(self) -> bool:
        """Return whether a node runs on the folder, without making anything there."""
        try:
            probe = os.open(self._path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(probe)
        return False

    def release(self) -> None:
        """Release the lock, if held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
