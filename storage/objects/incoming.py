"""A Part 10 file that is being written: a temporary name, until it gets its final one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from storage.objects.disk import begin_writing, refuse, refuse_on_errors

_BEGIN_BYTES: Final = 128 * 1024
"""A shorter piece is not worth a request of its own to the disk."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A complete file under its final name: path relative to the store, size in bytes, digest of the data received."""

    path: str
    size: int
    sha256: str


class Store(Protocol):
    """The store that a file goes into; `flushes`: its contents are on this disk once `keep` ends."""

    flushes: bool

    def keep(self, path: str, descriptor: int, name: str) -> None:
        """Give a written file its final name."""
        ...

    def sync(self, names: Iterable[str]) -> None:
        """Make names durable."""
        ...


class Incoming:
    """A file that is being written, not visible before `settle` or `commit`."""

    def __init__(self, files: Store, path: str, descriptor: int, transfer_syntax_uid: str) -> None:
        self._files = files
        self._path = path
        self._descriptor: int | None = descriptor
        self._digest = hashlib.sha256(transfer_syntax_uid.encode())
        self._size = self._begun = 0
        self._settled = False

    def preface(self, data: bytes) -> None:
        """Write preamble and file meta information, which differ between senders and are not part of the digest."""
        self._append(memoryview(data))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes of the data set."""
        self._digest.update(data)
        self._append(memoryview(data))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    @property
    def path(self) -> Path:
        """The temporary file, for reading back what was written."""
        return Path(self._path)

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the transfer syntax UID and the bytes of the data set so far."""
        return self._digest.hexdigest()

    def settle(self, name: str) -> StoredFile:
        """Make the contents durable under `name` (relative to the store); the name itself still needs `Files.sync`.

        Raises Rejected (0xA700) when the disk refuses it.
        """
        with refuse_on_errors():
            if self._descriptor is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._files.keep(self._path, self._descriptor, name)
            self._settled = True
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)
        return StoredFile(name, self._size, self.sha256)

    def commit(self, name: str) -> StoredFile:
        """Make both the contents and the name durable under `name`; raises as `settle` does."""
        stored = self.settle(name)
        self._files.sync([stored.path])
        return stored

    def discard(self) -> None:
        """Close the temporary file, and remove it unless it has its final name."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
        if not self._settled:
            with contextlib.suppress(OSError):  # where the disk is away or read-only, `Files.sweep` removes it
                os.unlink(self._path)  # noqa: PTH108  # every object needs its path as text

    def _append(self, data: memoryview) -> None:
        descriptor = -1 if self._descriptor is None else self._descriptor  # which the system refuses
        try:
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, data[written:])
        except OSError as error:
            raise refuse(error) from error
        self._size += written
        if self._files.flushes and self._size - self._begun >= _BEGIN_BYTES:
            begin_writing(descriptor, self._begun, self._size - self._begun)
            self._begun = self._size
