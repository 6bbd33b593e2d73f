"""Restoring a backup on a machine where no node has worked: everything is checked before anything is written.

While it runs, the data folder holds a mark by which a node refuses to start: half a restore is never worked with. The
same restore can be run again and goes on; the index comes last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.errors import Permanent
from config.settings import Settings
from storage.backup.checking import check_backup, find_object, list_objects
from storage.backup.index import POSTGRESQL, SQLITE, load_dump, refuse_used
from storage.backup.manifest import Manifest, write_durably
from storage.backup.pace import quietly
from storage.database.engine import Database
from storage.database.opening import connect_database, list_database_files
from storage.database.restoring import MARK
from storage.migrations import HEAD
from storage.objects.digest import READ_BYTES, Pace, at_any_pace
from storage.objects.disk import make_folder, sync_folder
from storage.objects.files import Files
from storage.objects.opening import find_folder, is_in_bucket, open_files

_LOCK: Final = "coronode.lock"
_LOADED: Final = "index loaded"
_UNSYNCED: Final = 256


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place: the manifest of the backup, the folder or bucket of the objects."""

    manifest: Manifest
    place: str


def restore_backup(
    folder: Path,
    settings: Settings,
    *,
    told: Callable[[str, int, int], None] = quietly,
    pace: Pace = at_any_pace,
) -> Restored:
    """Restore a backup into the data folder, database and folder of objects of the settings; all must be empty.

    The caller holds the lock of the data folder. Raises Permanent when the backup is damaged, of a newer version, of
    another kind of database, or the places are in use, before anything is written; OSError and Transient later: then
    the same call may be made again.
    """
    checked = check_backup(folder, told=lambda done, total: told("checking", done, total), pace=pace)
    manifest = checked.manifest
    if checked.damaged:
        raise Permanent(
            f"{folder}: {checked.damaged} of {manifest.objects} objects are missing or damaged, "
            f"the first: {checked.named[0]}; nothing was restored: use another backup"
        )
    _check_fit(manifest, settings)
    mark = settings.node.data_dir.resolve() / MARK
    loaded = _refuse_others(mark, manifest, settings)
    root = find_folder(settings)
    if not loaded:
        _check_room(manifest, mark.parent if is_in_bucket(settings) else root)
        make_folder(mark.parent)
        write_durably(mark, f"{manifest.listing}\n")
        _copy_objects(folder, manifest, settings, lambda done: told("restoring", done, manifest.objects), pace)
        _put_index(folder / manifest.index, settings)
        write_durably(mark, f"{manifest.listing}\n{_LOADED}\n")
    mark.unlink()
    sync_folder(mark.parent)
    return Restored(manifest, settings.storage.blobs_url or str(root))


def _check_fit(manifest: Manifest, settings: Settings) -> None:
    if manifest.revision > HEAD:
        raise Permanent(
            f"the backup was taken by version {manifest.version} (tables {manifest.revision}), which is newer than "
            f"this one (tables {HEAD}); restore it with that version or a later one"
        )
    kind = SQLITE if list_database_files(settings) else POSTGRESQL
    if kind != manifest.database:
        raise Permanent(
            f"the backup is of a {manifest.database} index, storage.database_url names a {kind} one; "
            "name a database of the same kind"
        )


def _refuse_others(mark: Path, manifest: Manifest, settings: Settings) -> bool:
    """Refuse places that are in use; return whether an earlier call came so far that the index is loaded."""
    if mark.exists():
        begun = mark.read_text(encoding="utf-8").splitlines()
        if begun[:1] == [manifest.listing]:
            return _LOADED in begun
        raise Permanent(f"{mark.parent}: another backup was being restored there; finish that, or empty the folder")
    data = mark.parent
    root = find_folder(settings)
    ours = {data / _LOCK, *([root] if is_in_bucket(settings) else [])}  # copies of a bucket's objects are no data
    if data.is_dir() and (left := [path.name for path in data.iterdir() if path not in ours]):
        raise Permanent(f"{data}: is not empty ({left[0]}); a restore goes into an empty data folder")
    if is_in_bucket(settings):
        files = open_files(settings)
        if next(files.list_names(), None) is not None:
            raise Permanent(f"{files.place}: is not empty; a restore goes into an empty bucket")
    elif root.is_dir() and any(root.iterdir()):
        raise Permanent(f"{root}: is not empty; a restore goes into an empty folder of objects")
    for file in list_database_files(settings):
        if file.exists():
            raise Permanent(f"{file}: exists; a restore makes a new index, move this one away")
    if manifest.database == POSTGRESQL:
        _with_database(settings, refuse_used)
    return False


def _check_room(manifest: Manifest, root: Path) -> None:
    there = next(path for path in (root, *root.parents) if path.is_dir())
    free, needed = shutil.disk_usage(there).free, manifest.object_bytes + manifest.index_size
    if free < needed:
        raise Permanent(f"{root}: {needed >> 20} MiB are needed and {free >> 20} MiB are free; make room")


def _copy_objects(
    folder: Path, manifest: Manifest, settings: Settings, told: Callable[[int], None], pace: Pace
) -> None:
    """Copy the objects to their names; what an earlier call left is written over."""
    if is_in_bucket(settings):
        _store_objects(folder, manifest, open_files(settings), told, pace)
        return
    root = find_folder(settings)
    for name in ("incoming", "instances", "quarantine"):
        make_folder(root / name)
    fresh: list[Path] = []
    for done, item in enumerate(list_objects(folder, manifest), 1):
        target = root / item.name
        make_folder(target.parent)
        _copy(find_object(folder, item), target)
        pace(item.size)
        fresh.append(target)
        if len(fresh) >= _UNSYNCED:
            _settle(fresh)
        told(done)
    _settle(fresh)


def _store_objects(folder: Path, manifest: Manifest, files: Files, told: Callable[[int], None], pace: Pace) -> None:
    """Store the objects in a bucket; what an earlier call left is stored again."""
    for done, item in enumerate(list_objects(folder, manifest), 1):
        with files.incoming() as file, find_object(folder, item).open("rb") as source:
            while chunk := source.read(READ_BYTES):
                file.preface(chunk)
            file.commit(item.name)
        pace(item.size)
        told(done)


def _settle(fresh: list[Path]) -> None:
    for path in (*fresh, *dict.fromkeys(item.parent for item in fresh)):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    fresh.clear()


def _put_index(index: Path, settings: Settings) -> None:
    files = list_database_files(settings)
    if not files:
        _with_database(settings, lambda database: load_dump(database, index))
        return
    file, *beside = files
    make_folder(file.parent)
    draft = file.with_name(f"{file.name}.part")
    _copy(index, draft)
    _settle([draft])
    for left in beside:
        left.unlink(missing_ok=True)
    draft.replace(file)
    sync_folder(file.parent)


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as copy, source.open("rb") as original:
        shutil.copyfileobj(original, copy, 1024 * 1024)


def _with_database(settings: Settings, action: Callable[[Database], None]) -> None:
    database = connect_database(settings, restoring=True)
    try:
        action(database)
    finally:
        database.close()
