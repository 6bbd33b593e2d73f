"""Digests of stored files: as the index keeps them, and of the file itself."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

Pace = Callable[[int], None]
"""Called with the bytes just read; it may wait, so that reading leaves the disk to others."""

READ_BYTES: Final = 1024 * 1024
_BEFORE_META: Final = 144  # preamble, prefix, and the group length of the file meta information


def at_any_pace(_: int) -> None:
    """Read without a limit."""


def digest_file(path: Path, transfer_syntax_uid: str, *, pace: Pace = at_any_pace) -> Iterator[str]:
    """Compute the digests that the index may hold: of the data set, or of a document of ours the whole file.

    Raises OSError.
    """
    with path.open("rb") as file:
        head = file.read(_BEFORE_META)
        length = struct.unpack_from("<L", head, _BEFORE_META - 4)[0] if len(head) == _BEFORE_META else 0
        for start in (_BEFORE_META + length, 0):
            digest = hashlib.sha256(transfer_syntax_uid.encode())
            for chunk in _read_chunks(file.fileno(), start):
                digest.update(chunk)
                pace(len(chunk))
            yield digest.hexdigest()


def digest_whole(path: Path, *, pace: Pace = at_any_pace) -> str:
    """Compute the SHA-256 of a file's bytes. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in _read_chunks(file.fileno(), 0):
            digest.update(chunk)
            pace(len(chunk))
    return digest.hexdigest()


def _read_chunks(descriptor: int, offset: int) -> Iterator[bytes]:
    while chunk := os.pread(descriptor, READ_BYTES, offset):
        offset += len(chunk)
        yield chunk
