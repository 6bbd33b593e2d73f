"""The node's files are its user's own: they hold patients' data, and nobody else on the machine reads them.

Every file and folder of the node is created closed to others; what an earlier version or an administrator left open is
closed at the start. Files of other users stay as they are; `coronode doctor` names them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.settings import Settings
from scp.lock import FILE_NAME
from storage.database.opening import list_database_files
from storage.objects.opening import find_folder

_OTHERS: Final = 0o077
_UMASK: Final = 0o077


@dataclass(frozen=True, slots=True)
class Closed:
    """What `close_to_others` did: how many files and folders it closed, and those that are still open."""

    count: int
    left: tuple[Path, ...]


def create_closed() -> None:
    """Let every file that this process and its children create be its user's own; once, when a process starts."""
    os.umask(_UMASK)


def close_to_others(settings: Settings) -> Closed:
    """Close data folder, database and objects to other users, as far as they belong to this one.

    The objects are looked through only where their folder is open: inside a closed one nobody reaches them. It is
    closed last, so that an interruption begins again at the next start.
    """
    objects = find_folder(settings)
    inside = _walk(objects) if objects.is_dir() and _is_open(objects) else ()
    found = [*(path for path in _list_places(settings) if path != objects), *inside, objects]
    opened = [path for path in found if _is_open(path)]
    left = tuple(path for path in opened if not _close(path))
    return Closed(len(opened) - len(left), left)


def list_open(settings: Settings) -> list[Path]:
    """List which of data folder, database files, lock and folder of objects other users can read or enter."""
    return [path for path in _list_places(settings) if _is_open(path)]


def _list_places(settings: Settings) -> list[Path]:
    folder = settings.node.data_dir.resolve()
    return [folder, folder / FILE_NAME, *list_database_files(settings), find_folder(settings)]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder, contents before their folder."""
    for place, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            yield Path(place, name)


def _is_open(path: Path) -> bool:
    try:
        info = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(info.st_mode) and bool(info.st_mode & _OTHERS)


def _close(path: Path) -> bool:
    """Close a file or folder of this user; False where it is another's, or a folder that all users share."""
    info = path.lstat()
    shared = stat.S_ISDIR(info.st_mode) and bool(info.st_mode & stat.S_ISVTX)
    if info.st_uid != os.geteuid() or shared or path == path.parent:
        return False
    try:
        path.chmod(stat.S_IMODE(info.st_mode) & ~_OTHERS)
    except OSError:
        return False
    return True
