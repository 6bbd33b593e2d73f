"""The local disk: files and folders that survive a power cut, and disk errors in words for the sender."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import Rejected
from dicom import status

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def refuse_on_errors() -> Iterator[None]:
    """Turn a system error into a refusal in words for the sender.

    Raises Rejected (0xA700) with at most 64 characters (PS3.7 C, Error Comment).
    """
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        reason = "the disk is full" if full else f"cannot write: {os.strerror(error.errno or errno.EIO)}"
        raise Rejected(status.OUT_OF_RESOURCES, reason[:64]) from error


def sync_data(descriptor: int) -> None:
    """Synchronise a file's contents, with fdatasync where the system has it (it skips the modification time)."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder with its parents so that it survives a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
