"""The names of the files in the folders of a store, while others write and delete there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def walk_names(root: Path, kinds: Sequence[str]) -> Iterator[str]:
    """Yield the names, relative to `root`, of all files in some of its folders, in no order.

    What comes or goes meanwhile may be missing or not. Raises OSError, FileNotFoundError where one of `kinds` itself is
    not there.
    """

    def raise_unless_gone(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError) or Path(error.filename).parent == root:
            raise error

    for kind in kinds:
        for folder, _, files in os.walk(root / kind, onerror=raise_unless_gone):
            place = Path(folder).relative_to(root).as_posix()
            yield from (f"{place}/{file}" for file in files)
