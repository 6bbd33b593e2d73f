"""The objects that nodes keep, read from outside: in a folder, or in a bucket of an S3 service."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from storage.objects.bucket import Bucket

_KINDS = ("instances", "quarantine")


class Objects(Protocol):
    """What was stored under which name."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of an object; None for one that is not there."""
        ...

    def list_names(self) -> set[str]:
        """List the names of all objects, those in quarantine among them."""
        ...

    def list_half_written(self) -> Iterator[Path]:
        """Yield the files that are not whole."""
        ...


class FolderObjects:
    """Objects in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        """Return the bytes of an object."""
        with suppress(OSError):
            return (self.root / name).read_bytes()
        return None

    def list_names(self) -> set[str]:
        """List the names of all objects."""
        places = [path for kind in _KINDS for path in (self.root / kind).rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)) for path in places}

    def list_half_written(self) -> Iterator[Path]:
        """Yield the files that are not whole."""
        yield from list_half_written(self.root)


class BucketObjects:
    """Objects in a bucket, which machines write through local folders of their own (`caches`)."""

    def __init__(self, bucket: Bucket, caches: Sequence[Path]) -> None:
        self._bucket = bucket
        self._caches = caches

    def read(self, name: str) -> bytes | None:
        """Return the bytes of an object, past every copy."""
        with tempfile.NamedTemporaryFile() as copy:
            try:
                self._bucket.get(name, Path(copy.name))
            except FileNotFoundError:
                return None
            return Path(copy.name).read_bytes()

    def list_names(self) -> set[str]:
        """List the names of all objects."""
        return {name for kind in _KINDS for name in self._bucket.list_names(kind)}

    def list_half_written(self) -> Iterator[Path]:
        """Yield the files that are not whole."""
        for cache in self._caches:
            yield from list_half_written(cache)


def list_half_written(root: Path) -> Iterator[Path]:
    """Yield the files below a folder of a node that a process has begun and not named."""
    yield from (path for path in (root / "incoming").rglob("[!.]*") if path.is_file())
