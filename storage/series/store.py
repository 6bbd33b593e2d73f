"""The folder of objects that belongs to an index."""

from __future__ import annotations

from sqlalchemy import func, select

from config.errors import ConfigurationError
from config.settings import Settings
from storage.database.engine import Database
from storage.database.models import InstanceRow
from storage.objects.files import Files
from storage.objects.opening import find_folder, open_files


def open_store(settings: Settings, database: Database) -> Files:
    """Open the folder of objects, creating it only for an index that names none.

    A disk that is not mounted leaves an empty folder behind: objects stored there would vanish under the disk once it
    is back. Raises ConfigurationError when the folder cannot be written, or is not the one that the index means.
    """
    root = find_folder(settings)
    if not (root / "instances").is_dir() and (count := _count_objects(database)):
        raise ConfigurationError(
            f"node.data_dir, storage.blobs_url: the index names {count} objects, and {root} has no folder 'instances': "
            "is its disk mounted? To go on without these objects, create that folder"
        )
    return open_files(settings)


def _count_objects(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(InstanceRow)) or 0
