"""Taking a backup of a node that works: the index first, then the objects that it names, the manifest last.

A folder that holds a backup is brought up to date: what is there is not copied again, and until the new manifest
stands, the old backup stays whole.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from config.errors import Permanent, Transient
from storage.backup.copying import ObjectCopier, copy_list
from storage.backup.index import SQLITE, Copied, Named, copy_index
from storage.backup.listing import MISSING, NameBook, read_list
from storage.backup.manifest import CONFIGURATION, LOCK, MANIFEST, OBJECTS, Manifest, find_manifest, write_durably
from storage.backup.noting import Noted, note_backup
from storage.backup.pace import quietly
from storage.database.engine import Database
from storage.objects.digest import Pace, at_any_pace, digest_whole
from storage.objects.disk import sync_folder
from storage.objects.files import KINDS, Files
from storage.objects.walk import walk_names

_ROUNDS: Final = 3
"""How often the index is copied anew because objects that it names were deleted meanwhile."""

Told = Callable[[int, int], None]
"""Called with the number of objects done, and of all."""


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of its node: version of the software, which node it is, its configuration without secrets."""

    version: str
    origin: str
    configuration: str


def take_backup(
    database: Database,
    files: Files,
    folder: Path,
    about: About,
    *,
    now: Callable[[], datetime],
    told: Told = quietly,
    pace: Pace = at_any_pace,
) -> Manifest:
    """Copy index and objects into a folder, where an earlier backup of the same node may lie.

    Objects that are deleted while it runs are no loss: the index is copied once more. One that lacks nothing is noted
    in the index (`storage.backup.noting`). Raises Permanent for a folder that holds something else or is in use,
    Transient and OSError for faults of the machine.
    """
    with _hold(folder):
        previous = _find_previous(folder, about.origin)
        _check_place(folder, files.root)
        generation = secrets.token_hex(4)
        listing = folder / f"objects-{generation}.list"
        try:
            copied, index, moment, copier = _copy_all(
                database, files, folder, generation, previous, now=now, told=told, pace=pace
            )
            write_durably(folder / CONFIGURATION, about.configuration)
            manifest = Manifest(
                version=about.version,
                revision=copied.revision,
                origin=about.origin,
                taken_at=moment.isoformat(timespec="seconds"),
                database=copied.kind,
                index=index.name,
                index_size=index.stat().st_size,
                index_sha256=digest_whole(index),
                listing=listing.name,
                listing_sha256=digest_whole(listing),
                configuration_sha256=digest_whole(folder / CONFIGURATION),
                objects=copier.objects,
                object_bytes=copier.object_bytes,
                missing=copier.missing,
                copied=copier.copied,
                copied_bytes=copier.copied_bytes,
            )
            manifest.write(folder)
        except BaseException:
            _remove_generation(folder, generation)
            raise
        _remove_older(folder, manifest)
    if not manifest.missing:
        _note(database, folder, manifest, now())
    return manifest


def _note(database: Database, folder: Path, manifest: Manifest, now: datetime) -> None:
    try:
        note_backup(database, Noted(manifest.when, now))
    except Transient as error:
        raise Transient(
            f"{folder}: the backup is whole, but the index could not note it ({error}); the node's metrics show the "
            "one before until the next backup"
        ) from error


def _copy_all(
    database: Database,
    files: Files,
    folder: Path,
    generation: str,
    previous: Manifest | None,
    *,
    now: Callable[[], datetime],
    told: Told,
    pace: Pace,
) -> tuple[Copied, Path, datetime, ObjectCopier]:
    """Copy index and objects until the one names no object that was deleted under our hands."""
    names = folder / f"names-{generation}"
    index = folder / f"index-{generation}"
    listing = folder / f"objects-{generation}.list"
    known = None if previous is None else folder / previous.listing
    draft = listing.with_suffix(".known")
    total, missing, lost = 0, -1, -1
    for _ in range(_ROUNDS):
        moment = now()

        def note(found: Iterator[Named]) -> None:
            nonlocal total
            total = _write_names(names, found)

        copied = copy_index(database, index, note)
        copier = ObjectCopier(files, folder / OBJECTS, pace=pace)
        copy_list(copier, names, known, listing, lambda done: told(done, total))
        known, lost, missing = draft, missing, copier.missing
        listing.replace(draft)
        if missing in (0, lost):
            break
    draft.replace(listing)
    names.unlink()
    final = index.with_suffix(".sqlite" if copied.kind == SQLITE else ".dump")
    index.replace(final)
    sync_folder(folder)
    return copied, final, moment, copier


def _write_names(path: Path, found: Iterator[Named]) -> int:
    count = 0
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        for name, size in found:
            file.write(f"{size}\t{name}\n")
            count += 1
    return count


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Make the folder, closed to others, and hold it: two backups at once would remove each other's files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / LOCK).exists() and any(folder.iterdir()):
        raise Permanent(f"{folder}: is neither empty nor a backup; choose a folder of its own for the backup")
    folder.chmod(0o700)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Permanent(f"{folder}: another backup is being written there; wait for it") from error
    finally:
        os.close(descriptor)


def _find_previous(folder: Path, origin: str) -> Manifest | None:
    previous = find_manifest(folder)
    if previous is not None and previous.origin != origin:
        raise Permanent(
            f"{folder}: holds a backup of another node ({previous.origin}); this one is {origin}: choose another folder"
        )
    if previous is not None and digest_whole(folder / previous.listing) != previous.listing_sha256:
        raise Permanent(f"{folder / previous.listing}: is damaged; take the backup into a new folder")
    return previous


def _check_place(folder: Path, store: Path) -> None:
    place = folder.resolve()
    if place.is_relative_to(store) or store.is_relative_to(place):
        raise Permanent(f"{folder}: the backup would lie in the store of objects itself; choose another folder")


def _remove_generation(folder: Path, generation: str) -> None:
    """Remove what a backup that did not end well has written, but for the objects, which the next one takes over."""
    for path in folder.glob(f"*-{generation}*"):
        path.unlink(missing_ok=True)


def _remove_older(folder: Path, manifest: Manifest) -> None:
    """Remove what belongs to no backup any more: earlier generations, and objects that the index no longer names."""
    kept = {MANIFEST, LOCK, CONFIGURATION, manifest.index, manifest.listing}
    for path in folder.iterdir():
        if path.is_file() and path.name not in kept and path.name.startswith(("index-", "objects-", "names-")):
            path.unlink(missing_ok=True)
    with NameBook() as named:
        named.add(item.name for item in read_list(folder / manifest.listing) if item.sha256 != MISSING)
        objects = folder / OBJECTS
        for name in named.list_unknown(walk_names(objects, [kind for kind in KINDS if (objects / kind).is_dir()])):
            (objects / name).unlink(missing_ok=True)
