"""Lists of objects on the disk, in the order of their names: a million of them need no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from config.errors import Permanent

MISSING: Final = "-"
"""Stands in place of the digest of an object that was not in the store."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object of a backup: SHA-256 of its file (`MISSING` where there is none), size in bytes, name in the store."""

    sha256: str
    size: int
    name: str

    @property
    def line(self) -> str:
        """The line of the list."""
        return f"{self.sha256}\t{self.size}\t{self.name}\n"


def read_list(path: Path) -> Iterator[Listed]:
    """Read a list. Raises Permanent for a line that is none, OSError."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                sha256, size, name = line.rstrip("\n").split("\t")
                yield Listed(sha256, int(size), name)
            except ValueError:
                raise Permanent(f"{path}: is damaged; take another backup") from None


class Lookup:
    """Finds the entries of a list for names that are asked for in its order."""

    def __init__(self, entries: Iterator[Listed]) -> None:
        self._entries = entries
        self._next = next(entries, None)

    def find(self, name: str) -> Listed | None:
        """Return the entry of a name, None where the list has none."""
        while self._next is not None and self._next.name < name:
            self._next = next(self._entries, None)
        return self._next if self._next is not None and self._next.name == name else None


class NameBook:
    """A set of names that is kept on the disk once it is large; it vanishes when it is closed."""

    def __init__(self) -> None:
        self._book = sqlite3.connect("")  # a temporary database of this connection alone
        self._book.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._book.close()

    def add(self, names: Iterable[str]) -> None:
        """Add names."""
        self._book.executemany("INSERT OR IGNORE INTO names VALUES (?)", ((name,) for name in names))

    def list_unknown(self, names: Iterable[str]) -> list[str]:
        """List those of some names that are not in the book."""
        return [
            name for name in names if not self._book.execute("SELECT 1 FROM names WHERE name=?", (name,)).fetchone()
        ]
