"""The objects that belong to an index: the folder or the bucket that it means."""

from __future__ import annotations

import errno

import structlog
from sqlalchemy import func, select

from config.errors import ConfigurationError
from config.settings import Settings
from storage.database.engine import Database
from storage.database.models import InstanceRow
from storage.objects.files import Files
from storage.objects.opening import find_folder, is_in_bucket, open_files

log = structlog.get_logger(__name__)

_NOT_OURS = frozenset({errno.EACCES, errno.ENOENT})


def open_store(settings: Settings, database: Database, *, owner: str = "") -> Files:
    """Open the place of objects, creating a folder only for an index that names none; `owner` as in `Files`.

    A disk that is not mounted leaves an empty folder behind: objects stored there would vanish under the disk once it
    is back. A bucket that does not answer is waited for: until then nothing is taken in. Raises ConfigurationError when
    a folder cannot be written, a bucket refuses the credentials or does not exist, or it is not the one that the index
    means.
    """
    if is_in_bucket(settings):
        files = open_files(settings, owner=owner)
        _check_bucket(files, database)
        return files
    root = find_folder(settings)
    if not (root / "instances").is_dir() and (count := _count_objects(database)):
        raise ConfigurationError(
            f"node.data_dir, storage.blobs_url: the index names {count} objects, and {root} has no folder 'instances': "
            "is its disk mounted? To go on without these objects, create that folder"
        )
    return open_files(settings, owner=owner)


def _check_bucket(files: Files, database: Database) -> None:
    try:
        files.check()
        is_foreign = next(files.list_names(), None) is None
    except OSError as error:
        if error.errno in _NOT_OURS:
            raise ConfigurationError(f"storage.blobs_url: {files.place}: {error.strerror}") from error
        log.warning("the object store is away; until it answers nothing is taken in", reason=error.strerror)
        return
    if is_foreign and (count := _count_objects(database)):
        raise ConfigurationError(
            f"storage.blobs_url: the index names {count} objects, and {files.place} holds none: is it the right bucket?"
        )


def _count_objects(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(InstanceRow)) or 0
