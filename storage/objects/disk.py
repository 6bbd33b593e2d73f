"""The local disk: files and folders that survive a power cut, and disk errors in words for the sender."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.errors import Rejected
from dicom import status

_BEGIN: Final = 2
"""SYNC_FILE_RANGE_WRITE of sync_file_range(2)."""


def _find_sync_file_range() -> Callable[[int, int, int, int], int] | None:
    try:
        function = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    call: Callable[[int, int, int, int], int] = function
    return call


_SYNC_FILE_RANGE: Final = _find_sync_file_range()
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def refuse_on_errors() -> Iterator[None]:
    """Turn a system error into a refusal in words for the sender.

    Raises Rejected (0xA700) with at most 64 characters (PS3.7 C, Error Comment).
    """
    try:
        yield
    except OSError as error:
        raise refuse(error) from error


def refuse(error: OSError) -> Rejected:
    """Make the refusal of `refuse_on_errors`, for what runs so often that a block would cost more than its contents."""
    full = error.errno in _FULL
    words = error.strerror or os.strerror(error.errno or errno.EIO)
    reason = "the disk is full" if full else f"cannot write: {words}"
    return Rejected(status.OUT_OF_RESOURCES, reason[:64])


def sync_data(descriptor: int) -> None:
    """Synchronise a file's contents, with fdatasync where the system has it (it skips the modification time)."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


def begin_writing(descriptor: int, offset: int, count: int) -> None:
    """Let the system begin to write these bytes of a file to the disk, without waiting, where it knows how (Linux).

    A file that is synchronised at its end then has little left to wait for. What fails here fails there again.
    """
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(descriptor, offset, count, _BEGIN)


@dataclass(frozen=True, slots=True)
class Look:
    """A stored file: its size in bytes, and when it was written or moved last, in seconds since 1970."""

    size: int
    changed_at: float


def look_at(path: Path) -> Look | None:
    """Return what a file is like without reading it; None where there is none. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        # a file that is moved or linked keeps the time of its contents, not that of its entry
        return Look(found.st_size, found.st_ctime)
    return None


def make_folder(folder: Path, top: Path | None = None) -> None:
    """Create a folder with its parents so that it survives a power cut.

    What is there already is taken for durable; with `top`, an existing folder above, only from there on up: another
    thread or process may have made the others a moment ago.
    """
    if folder == top or (top is None and folder.is_dir()):
        return
    make_folder(folder.parent, top)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def secure_folder(folder: Path) -> None:
    """Create a folder with its parents, and make its name durable even if it is there.

    The process that made it may have been killed before it came to that.
    """
    make_folder(folder)
    with contextlib.suppress(PermissionError):  # the parent is closed to us, so its names are in the care of others
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
