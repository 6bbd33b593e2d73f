"""Part 10 files on the local disk: a temporary name, fsync, rename, fsync of the folder.

root/incoming/    being written; swept at start
root/instances/   whole objects, named by hashes
root/quarantine/  objects that contradict one that was there first
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.errors import Rejected

OUT_OF_RESOURCES = 0xA700
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# fdatasync leaves out the modification time, which nobody needs; not every system has it.
_sync_data = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A whole file under its final name: path relative to the store, bytes, digest of what was received."""

    path: str
    size: int
    sha256: str


def instance_name(study_uid: str, series_uid: str, sop_uid: str, digest: str) -> str:
    """A relative path made of hashes, so that no UID can name a place outside the store.

    The digest is part of it: two objects under one SOP Instance UID never share a file.
    """
    study, series, sop = (hashlib.sha256(uid.encode()).hexdigest() for uid in (study_uid, series_uid, sop_uid))
    return f"instances/{study[:2]}/{study[:32]}/{series[:32]}/{sop[:32]}-{digest[:16]}.dcm"


class Incoming:
    """A file that is being written; nobody sees it before `commit`."""

    def __init__(self, files: Files, path: Path, stream: IO[bytes], transfer_syntax_uid: str) -> None:
        self._files = files
        self._path = path
        self._stream = stream
        self._digest = hashlib.sha256(transfer_syntax_uid.encode())
        self._committed = False

    def preface(self, data: bytes) -> None:
        """Write preamble and file meta information, which differ from sender to sender and are not digested."""
        with _disk_errors():
            self._stream.write(data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes of the data set."""
        self._digest.update(data)
        with _disk_errors():
            self._stream.write(data)

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the transfer syntax UID and the data set's bytes so far."""
        return self._digest.hexdigest()

    def commit(self, name: str) -> StoredFile:
        """Make the file durable under `name` (relative to the store) and return where it is.

        Raises:
            Rejected: 0xA700, the disk does not take it.
        """
        final = self._files.path(name)
        with _disk_errors():
            self._stream.flush()
            _sync_data(self._stream.fileno())
            size = os.fstat(self._stream.fileno()).st_size
            self._stream.close()
            _make_folder(final.parent)
            self._path.replace(final)
            self._committed = True
            _sync_folder(final.parent)
        return StoredFile(name, size, self.sha256)

    def discard(self) -> None:
        """Close and, unless committed, remove the temporary file."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if not self._committed:
            self._path.unlink(missing_ok=True)


class Files:
    """A folder of Part 10 files; safe for many threads."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._incoming = self.root / "incoming"
        with _disk_errors():
            for folder in (self._incoming, self.root / "instances", self.root / "quarantine"):
                _make_folder(folder)

    def path(self, name: str) -> Path:
        """The absolute path of a stored name; a name that leads out of the store is a ValueError."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root) or path == self.root:
            raise ValueError("a stored name must lie inside the store")
        return path

    @contextmanager
    def incoming(self, transfer_syntax_uid: str = "") -> Iterator[Incoming]:
        """Open a temporary file in the store's own file system; it vanishes at the end unless committed.

        Raises:
            Rejected: 0xA700, the disk is full or does not let us write.
        """
        path = self._incoming / secrets.token_hex(16)
        with _disk_errors():
            stream = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        file = Incoming(self, path, stream, transfer_syntax_uid)
        try:
            yield file
        finally:
            file.discard()

    def write(
        self, chunks: bytes | Iterable[bytes], name: str, *, preface: bytes = b"", transfer_syntax_uid: str = ""
    ) -> StoredFile:
        """Store a whole object at once under `name`; raises as `incoming` does."""
        with self.incoming(transfer_syntax_uid) as file:
            file.preface(preface)
            for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
                file.write(chunk)
            return file.commit(name)

    def quarantine(self, name: str) -> str:
        """Move a stored file aside and return its new name; doing it twice is harmless."""
        target = f"quarantine/{Path(name).name}"
        final = self.path(target)
        with _disk_errors():
            try:
                self.path(name).replace(final)
            except FileNotFoundError:
                # Another thread moved the same bytes a moment ago.
                if not final.exists():
                    raise
            _sync_folder(final.parent)
        return target

    def remove(self, name: str) -> None:
        """Delete a stored file; absent is fine."""
        self.path(name).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Delete what an earlier process left half written and return how many; call it before receiving starts."""
        left = [path for path in self._incoming.iterdir() if path.is_file()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def free_bytes(self) -> int:
        """Bytes that this process may still write to the store's file system."""
        return shutil.disk_usage(self.root).free


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Turn the system's refusal into words for the sender (at most 64 characters: PS3.7 C, Error Comment)."""
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        reason = "the disk is full" if full else f"cannot write: {os.strerror(error.errno or errno.EIO)}"
        raise Rejected(OUT_OF_RESOURCES, reason[:64]) from error


def _make_folder(folder: Path) -> None:
    """Create a folder with its parents so that it survives a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
