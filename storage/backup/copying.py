"""Copying objects into a backup: only those that are not there yet, each durable before the manifest names it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from config.errors import Permanent
from storage.backup.listing import MISSING, Listed, Lookup, read_list
from storage.objects.digest import READ_BYTES, Pace, at_any_pace, digest_whole
from storage.objects.disk import make_folder, sync_folder
from storage.objects.files import Files

_UNSYNCED: Final = 256
"""Files written before they are synchronised together, so that the disk can begin by itself."""

_PART: Final = ".part"


def find_source(files: Files, name: str, size: int) -> Path:
    """Return the file of a stored object: the one place where backup and check reach into the store.

    Of a bucket it is what the service has now. Raises OSError, FileNotFoundError where it is not there.
    """
    return files.fetch(name, size, anew=True)


class ObjectCopier:
    """Copies objects of a store into a folder and counts them; `missing` were not in the store."""

    def __init__(self, files: Files, target: Path, *, pace: Pace = at_any_pace) -> None:
        self._files = files
        self._target = target
        self._pace = pace
        self._unsynced: list[Path] = []
        self.objects = self.object_bytes = self.missing = self.copied = self.copied_bytes = 0

    def copy(self, name: str, size: int, known: Listed | None) -> Listed:
        """Copy an object unless the earlier backup, of which `known` is the entry, has it. Raises OSError."""
        target = self._target / name
        if ".." in Path(name).parts or not target.is_relative_to(self._target):
            raise Permanent(f"the index names a file outside the store: {name}; run coronode verify")
        digest = self._find_copy(target, size, known)
        if digest is None:
            try:
                digest = self._copy_file(find_source(self._files, name, size), target)
            except FileNotFoundError:
                self.missing += 1
                return Listed(MISSING, size, name)
            self.copied += 1
            self.copied_bytes += size
        self.objects += 1
        self.object_bytes += size
        return Listed(digest, size, name)

    def _find_copy(self, target: Path, size: int, known: Listed | None) -> str | None:
        """Return the digest of the copy that is there; one that no manifest vouches for is read."""
        try:
            if target.stat().st_size != size:
                return None
        except FileNotFoundError:
            return None
        if known is not None and known.size == size and known.sha256 != MISSING:
            return known.sha256
        try:
            source = find_source(self._files, target.relative_to(self._target).as_posix(), size)
            digest = digest_whole(target, pace=self._pace)
            return digest if digest == digest_whole(source, pace=self._pace) else None
        except FileNotFoundError:
            return None

    def _copy_file(self, source: Path, target: Path) -> str:
        digest = hashlib.sha256()
        with source.open("rb") as original:
            make_folder(target.parent)
            draft = target.with_name(target.name + _PART)
            descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as copy:
                while chunk := original.read(READ_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
                    self._pace(len(chunk))
        self._unsynced.append(target)
        if len(self._unsynced) >= _UNSYNCED:
            self.settle()
        return digest.hexdigest()

    def settle(self) -> None:
        """Make what was copied durable, and only then give it its name. Raises OSError."""
        for target in self._unsynced:
            draft = target.with_name(target.name + _PART)
            descriptor = os.open(draft, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.replace(target)
        for folder in dict.fromkeys(target.parent for target in self._unsynced):
            sync_folder(folder)
        self._unsynced.clear()


def copy_list(
    copier: ObjectCopier, names: Path, known: Path | None, listing: Path, told: Callable[[int], None]
) -> None:
    """Copy the objects of a file of names (size and name a line, in order) and write their list.

    `known` is an earlier list. Raises OSError, Permanent for an earlier list that is damaged.
    """
    lookup = Lookup(iter(())) if known is None else Lookup(read_list(known))
    descriptor = os.open(listing, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with names.open(encoding="utf-8") as wanted, os.fdopen(descriptor, "w", encoding="utf-8") as file:
        for done, line in enumerate(wanted, 1):
            size, name = line.rstrip("\n").split("\t", 1)
            file.write(copier.copy(name, int(size), lookup.find(name)).line)
            told(done)
        copier.settle()
        file.flush()
        os.fsync(file.fileno())
