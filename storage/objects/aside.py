"""Files that are put aside because no row of the index vouches for them: kept under their names, out of the way."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from storage.objects.disk import make_folder, sync_folder

LOST: Final = "lost+found"
"""The folder of a store, or of a bucket below its prefix, for what is put aside."""

_MOST: Final = 1000


def list_places(name: str) -> Iterator[str]:
    """Yield names for a file that is put aside, the next where one is in use: what is lost twice is kept twice."""
    place = posixpath.join(LOST, name)
    yield place
    yield from (f"{place}.{number}" for number in range(1, _MOST))


def move_aside(root: Path, name: str) -> bool:
    """Move a file of a folder to `LOST`; False where there is none. Raises OSError."""
    source = root / name
    with suppress(FileNotFoundError, NotADirectoryError):
        source.lstat()
        target = next(place for place in map(root.joinpath, list_places(name)) if not place.exists())
        make_folder(target.parent)
        source.replace(target)
        sync_folder(target.parent)
        return True
    return False
