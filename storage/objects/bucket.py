"""Objects in a bucket of an S3 service: each call is bounded in time, and its failures are those of a disk.

A service that is away is a disk that is away (EIO), an object that is not there a missing file (ENOENT), and refused
credentials a file that may not be touched (EACCES): whoever can handle a disk can handle a bucket.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote, urlsplit

from config.errors import ConfigurationError
from storage.objects.disk import Look

if TYPE_CHECKING:
    from obstore.store import S3Config

    from config.storage import S3Settings

_CHUNK_BYTES: Final = 8 * 1024 * 1024
_CHUNKS_AT_ONCE: Final = 4
_READ_BYTES: Final = 1024 * 1024
_CONNECT: Final = timedelta(seconds=5)
_RETRIES: Final = 3
_DIGEST: Final = "sha256"
"""Metadata of each object: the digest of all its bytes, by which a copy is verified."""


class Bucket:
    """The part of a bucket below a prefix; thread-safe.

    Raises ConfigurationError when the library for it is not installed, or the settings make no sense to it.
    """

    def __init__(self, url: str, settings: S3Settings) -> None:
        parts = urlsplit(url)
        prefix = unquote(parts.path).strip("/")
        self.place = f"s3://{parts.netloc}/{prefix}".rstrip("/")
        self.endpoint = settings.endpoint or f"Amazon, {settings.region}"
        try:
            import obstore  # noqa: PLC0415  # an extra: only who uses a bucket needs it
            from obstore.store import S3Store  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError(
                "storage.blobs_url: s3:// needs the extra 's3': install coronode[s3], or keep the objects in a folder"
            ) from error
        self._library = obstore
        wait = timedelta(seconds=settings.timeout_seconds)
        try:
            self._store = S3Store(
                parts.netloc,
                prefix=prefix or None,
                config=cast("S3Config", settings.make_config()),
                client_options={
                    "allow_http": settings.allow_http,
                    "timeout": wait,
                    "connect_timeout": min(_CONNECT, wait),
                    **({"root_certificate": settings.ca.read_bytes()} if settings.ca else {}),
                },
                retry_config={
                    "max_retries": _RETRIES,
                    "retry_timeout": wait,
                    "backoff": {
                        "init_backoff": timedelta(milliseconds=100),
                        "max_backoff": timedelta(seconds=2),
                        "base": 2,
                    },
                },
            )
        except OSError as error:
            raise ConfigurationError(f"storage.s3.ca: {settings.ca}: cannot be read: {error.strerror}") from error
        except Exception as error:  # the library has no common class for what it makes of settings
            raise ConfigurationError(f"[storage.s3]: {_first_line(error)}") from error

    def put(self, name: str, path: Path) -> None:
        """Store a file; once this returns, the service has it whole. Large ones go in parts. Raises OSError.

        The service is told the digest of what is sent and refuses anything else.
        """
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, _DIGEST).hexdigest()
        with _as_of_disk(name):
            self._library.put(
                self._store,
                name,
                path,
                attributes={"Content-Type": "application/dicom", _DIGEST: digest},
                chunk_size=_CHUNK_BYTES,
                max_concurrency=_CHUNKS_AT_ONCE,
            )

    def get(self, name: str, path: Path) -> None:
        """Copy an object into a file that may be overwritten. Raises OSError, EBADMSG when it comes damaged."""
        with _as_of_disk(name):
            found = self._library.get(self._store, name)
            expected, digest = found.attributes.get(_DIGEST), hashlib.sha256()
            with path.open("wb", buffering=0) as file:
                for chunk in found.stream(_READ_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
        if expected is not None and digest.hexdigest() != expected:
            raise OSError(errno.EBADMSG, "the object store answers with other bytes than were stored", name)

    def copy(self, name: str, target: str) -> None:
        """Copy an object inside the bucket. Raises OSError."""
        with _as_of_disk(name):
            self._library.copy(self._store, name, target)

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects, those that exist. Raises OSError."""
        if names:
            with _as_of_disk(names[0]), contextlib.suppress(FileNotFoundError):
                self._library.delete(self._store, names[0] if len(names) == 1 else names)

    def has(self, name: str) -> bool:
        """Return whether an object exists. Raises OSError."""
        return self.look_at(name) is not None

    def look_at(self, name: str) -> Look | None:
        """Return size of an object and when it was stored by the service's clock; None without one. Raises OSError."""
        try:
            with _as_of_disk(name):
                found = self._library.head(self._store, name)
                return Look(found["size"], found["last_modified"].timestamp())
        except FileNotFoundError:
            return None

    def list_names(self, kind: str = "", *, at_once: int = 1000) -> Iterator[str]:
        """Yield the names of objects in a folder of the bucket, `at_once` with each request. Raises OSError."""
        with _as_of_disk(kind):
            for chunk in self._library.list(self._store, kind or None, chunk_size=at_once):
                yield from (str(item["path"]) for item in chunk)


@contextmanager
def _as_of_disk(name: str) -> Iterator[None]:
    """Raise what the library raises as the OSError that a disk would raise, in words for an administrator."""
    from obstore import exceptions  # noqa: PLC0415

    try:
        yield
    except FileNotFoundError as error:
        if error.errno is not None:
            raise
        what = "there is no such bucket" if "NoSuchBucket" in str(error) else "the object store has no such object"
        raise FileNotFoundError(errno.ENOENT, what, name) from error
    except exceptions.BaseError as error:
        raise _judge(error, name) from error


def _judge(error: Exception, name: str) -> OSError:
    text = str(error)
    if "NoSuchBucket" in text:
        return FileNotFoundError(errno.ENOENT, "there is no such bucket", name)
    if "403 Forbidden" in text or "401 Unauthorized" in text:
        return PermissionError(errno.EACCES, "the object store refuses these credentials", name)
    if "InsufficientStorage" in text or "507 " in text or "QuotaExceeded" in text:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
    return OSError(errno.EIO, "the object store does not answer", name)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
