"""A node's data with as many objects as it may ever hold, of which the files are hard links to a few."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from find import EACH, ROOT, fill_index
from peers import configuration

from dicom.part10 import encode_preface
from scp.services.storage import IMAGE_STORAGE
from storage.objects.files import Files
from storage.objects.incoming import StoredFile

EXPLICIT: Final = "1.2.840.10008.1.2.1"
SHARED: Final = 32
"""Files that all names share: a file has at most 65,000 links on ext4."""
_BYTES: Final = 2000
_PORT: Final = 11112


def make_store(folder: Path, studies: int) -> Path:
    """Make a node's data with `EACH` objects for each study and return its configuration."""
    folder.mkdir()
    config = configuration(folder, _PORT)
    files = Files(folder / "data/objects", durable=False)
    sources = [_write(files, number) for number in range(SHARED)]

    def describe(index: int, place: int) -> dict[str, Any]:
        stored = sources[(index * EACH + place) % SHARED]
        name = f"instances/{index % 256:02x}/{index}/{place}.dcm"
        return {"path": name, "size": stored.size, "sha256": stored.sha256, "transfer_syntax_uid": EXPLICIT}

    for index in range(studies):
        for place in range(EACH):
            row = describe(index, place)
            path = files.root / row["path"]
            if place == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(files.root / sources[(index * EACH + place) % SHARED].path)
    for stored in sources:
        files.remove(stored.path)
    files.close()
    fill_index(folder / "data/coronode.sqlite", studies, describe)
    return config


def _write(files: Files, number: int) -> StoredFile:
    preface = encode_preface(IMAGE_STORAGE[0], f"{ROOT}.{number}", EXPLICIT)
    content = os.urandom(_BYTES)
    return files.write(content, f"instances/source/{number}.dcm", preface=preface, transfer_syntax_uid=EXPLICIT)
