"""Part 10 files in a bucket: written on a local disk first, durable once the service has answered.

root/incoming/   being written or fetched, in a folder of each process
root/copies/     what was stored and fetched lately, see `storage.objects.cache`
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from storage.objects.aside import list_places
from storage.objects.bucket import Bucket
from storage.objects.cache import Cache
from storage.objects.disk import Look, refuse_on_errors
from storage.objects.files import KINDS, Files
from storage.objects.workplace import is_nobody

_AT_ONCE: Final = 8
_SURE_SECONDS: Final = 5.0
"""So long an answer of the service counts for whether it is there."""


class BucketFiles(Files):
    """The objects of a bucket; thread-safe. `root` is a local folder of this machine alone."""

    is_bucket = True

    def __init__(self, bucket: Bucket, root: Path, *, cache_bytes: int, owner: str = "") -> None:
        super().__init__(root, owner=owner, kinds=())
        self.flushes = False  # the service keeps it, not this disk
        self._bucket = bucket
        self._cache = Cache(self.root / "copies", cache_bytes)
        self._asked: tuple[float, bool] | None = None

    @property
    def place(self) -> str:
        """Where the objects are, in words for an administrator."""
        return f"{self._bucket.place} at {self._bucket.endpoint}"

    def check(self) -> None:
        """Ask the service for the bucket. Raises OSError in words when it does not answer or refuses."""
        next(self._bucket.list_names(at_once=1), None)

    def is_present(self) -> bool:
        """Return whether the service answers; asked at most every few seconds."""
        now = time.monotonic()
        if self._asked is None or now - self._asked[0] > _SURE_SECONDS:
            try:
                self.check()
            except OSError:
                self._asked = now, False
            else:
                self._asked = now, True
        return self._asked[1]

    def path(self, name: str) -> Path:
        """Return where the copy of an object lies, or would lie. Raises ValueError for a name that leads elsewhere."""
        return self._cache.path(_check_name(name))

    def fetch(self, name: str, size: int | None = None, *, anew: bool = False) -> Path:
        """Return a copy of a stored object, which stays for 15 minutes; raises as `Files.fetch` does."""
        copy = self._cache.find(_check_name(name), size)
        if copy is not None and not anew:
            return copy
        place, descriptor = self._workplace.begin()
        os.close(descriptor)
        path = Path(place)
        try:
            self._bucket.get(name, path)
            return self._cache.take(path, name)
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def fetch_all(self, names: Sequence[str]) -> list[Path]:
        """Return copies of several objects, in order, some fetched at a time; raises as `fetch` does."""
        if all(self._cache.find(name) for name in names):
            return [self.path(name) for name in names]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool:
            return list(pool.map(self.fetch, names))

    def keep(self, path: str, descriptor: int, name: str) -> None:
        """Store a file that has been written under its name; it is durable then. Raises OSError."""
        del descriptor
        written = Path(path)
        self._bucket.put(_check_name(name), written)
        try:
            self._cache.take(written, name)
        except OSError:  # stored it is, and read back when somebody asks for it
            self._cache.drop(name)
            with contextlib.suppress(OSError):
                written.unlink(missing_ok=True)

    def sync(self, names: Iterable[str]) -> None:
        """Do nothing: a stored object is durable."""

    def make_folder(self, folder: Path) -> None:
        """Do nothing: a bucket has no folders."""

    def list_names(self) -> Iterator[str]:
        """Yield the names of all objects; see `Files.list_names`."""
        for kind in KINDS:
            yield from self._bucket.list_names(kind)

    def quarantine(self, name: str) -> str:
        """Move a stored file to quarantine and return its new name; repeating it is harmless."""
        target = f"quarantine/{posixpath.basename(_check_name(name))}"
        with refuse_on_errors():
            try:
                self._bucket.copy(name, target)
            except FileNotFoundError:
                # Another thread has just moved the same bytes.
                if not self._bucket.has(target):
                    raise
            self._bucket.delete([name])
        self._cache.drop(name)
        return target

    def link(self, name: str, target: str) -> None:
        """Store the object under a second name too; one in use has the same bytes. Raises Rejected (0xA700)."""
        with refuse_on_errors():
            self._bucket.copy(_check_name(name), _check_name(target))

    def remove(self, name: str) -> None:
        """Delete a stored file if it exists. Raises OSError."""
        self._bucket.delete([_check_name(name)])
        self._cache.drop(name)

    def remove_all(self, names: Sequence[str]) -> None:
        """Delete several stored files, those that exist, a thousand with a request. Raises OSError."""
        self._bucket.delete([_check_name(name) for name in names])
        for name in names:
            self._cache.drop(name)

    def has(self, name: str) -> bool:
        """Return whether there is an object of this name. Raises OSError."""
        return self._bucket.has(_check_name(name))

    def look_at(self, name: str) -> Look | None:
        """Return size and age of an object; see `Files.look_at`."""
        return self._bucket.look_at(_check_name(name))

    def set_aside(self, name: str) -> bool:
        """Move an object to lost+found inside the bucket; see `Files.set_aside`."""
        try:
            self._bucket.copy(_check_name(name), next(place for place in list_places(name) if not self.has(place)))
        except FileNotFoundError:
            return False
        self.remove(name)
        return True

    def drop_folder(self, name: str) -> None:
        """Do nothing: a bucket has no folders."""

    def sweep(self, is_alive: Callable[[str], bool] = is_nobody) -> int:
        """Delete half-written files of processes that are gone, and copies there is no room for."""
        self._cache.sweep()
        return super().sweep(is_alive)


def _check_name(name: str) -> str:
    """Return a name as it is. Raises ValueError for one that is none of the store's."""
    if name != posixpath.normpath(name) or name.startswith(("/", "..")) or "/" not in name:
        raise ValueError("a stored name must lie inside the store")
    return name
