"""Opening the configured place of the objects: a folder, or a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from config.errors import ConfigurationError
from config.settings import MIB, Settings
from storage.objects.disk import secure_folder
from storage.objects.files import Files

_OF_BUCKETS: Final = "s3://"


def is_in_bucket(settings: Settings) -> bool:
    """Return whether the objects lie in a bucket."""
    return (settings.storage.blobs_url or "").startswith(_OF_BUCKETS)


def find_folder(settings: Settings) -> Path:
    """Return the configured folder of objects, or of the copies of those in a bucket."""
    storage = settings.storage
    if is_in_bucket(settings):
        return (storage.cache_dir or settings.node.data_dir / "cache").resolve()
    root = settings.node.data_dir / "objects" if storage.blobs_url is None else _read_path(storage.blobs_url)
    return root.resolve()


def open_files(settings: Settings, *, owner: str = "") -> Files:
    """Open the place of the objects, creating a folder if necessary; `owner` names the process among others.

    A bucket is not asked for. Raises ConfigurationError when the folder cannot be written, or a setting of the bucket
    cannot be used.
    """
    root = find_folder(settings)
    try:
        secure_folder(root)
        if is_in_bucket(settings):
            return _open_bucket(settings, root, owner)
        return Files(root, durable=settings.storage.durability == "full", owner=owner)
    except OSError as error:
        key = "storage.cache_dir" if is_in_bucket(settings) else "node.data_dir"
        raise ConfigurationError(f"{key}: cannot write in {root}: {error.strerror}") from error


def _open_bucket(settings: Settings, root: Path, owner: str) -> Files:
    from storage.objects.bucket import Bucket  # noqa: PLC0415  # its library loads for a bucket alone
    from storage.objects.bucket_files import BucketFiles  # noqa: PLC0415

    storage = settings.storage
    bucket = Bucket(storage.blobs_url or "", storage.s3)
    return BucketFiles(bucket, root, cache_bytes=storage.cache_mb * MIB, owner=owner)


def _read_path(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))
