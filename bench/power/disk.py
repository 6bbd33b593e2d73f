"""A disk without any order of its own: it may have lost whatever was not synchronised, each piece by itself.

A file keeps what was written before its last fdatasync; every later write may be there, be missing, or be there in some
of its pages or sectors alone, and the length may be that of any moment since. A folder keeps the names that it had at
its last fsync; every name that changed since is in the state of any moment since, so that a rename may be
lost, kept, or leave the file under both names or none.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

PAGE: Final = 4096
SECTOR: Final = 512
_Version = TypeVar("_Version")


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset, or with None the file cut or lengthened to that offset; `began` and `ended` are moments."""

    began: int
    ended: int
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Naming:
    """What a name in a folder stands for from a moment on: None for nothing."""

    began: int
    ended: int
    entry: File | Folder | None


@dataclass(eq=False, slots=True)
class File:
    """A file: what was done to its contents, and when they were synchronised (began, ended)."""

    writes: list[Write] = field(default_factory=list)
    syncs: list[tuple[int, int]] = field(default_factory=list)
    size: int = 0

    def write(self, began: int, ended: int, offset: int, data: bytes | None) -> None:
        """Note a write, or with None a new length."""
        self.writes.append(Write(began, ended, offset, data))
        self.size = offset if data is None else max(self.size, offset + len(data))


@dataclass(eq=False, slots=True)
class Folder:
    """A folder: what its names stood for, and when they were synchronised (began, ended)."""

    names: dict[str, list[Naming]] = field(default_factory=dict)
    syncs: list[tuple[int, int]] = field(default_factory=list)

    def name(self, began: int, ended: int, name: str, entry: File | Folder | None) -> None:
        """Note that a name stands for something else from now on."""
        self.names.setdefault(name, []).append(Naming(began, ended, entry))

    def find(self, name: str) -> File | Folder | None:
        """Return what a name stands for now."""
        changes = self.names.get(name)
        return changes[-1].entry if changes else None


@dataclass(frozen=True, slots=True)
class Mood:
    """How much a power cut loses: the chance of each name, each length and each `unit` (bytes) of data to be kept."""

    names: float
    lengths: float
    data: float
    unit: int

    @classmethod
    def draw(cls, rng: random.Random) -> Mood:
        """Draw one: everything is lost that can be, or all, nothing or something of each independently."""
        if rng.random() < 0.2:  # noqa: PLR2004
            return WORST
        names, lengths, data = (rng.choice((0.0, 0.1, 0.5, 0.9, 1.0)) for _ in range(3))
        return cls(names, lengths, data, rng.choice((PAGE, PAGE, SECTOR)))


WORST: Final = Mood(0, 0, 0, PAGE)
"""Nothing is kept but what was synchronised."""
BEST: Final = Mood(1, 1, 1, PAGE)
"""Everything is kept, as by a machine whose power stays on."""


class Cut:
    """What a disk holds after the power went at `moment`; draws from `rng` how much of the rest it kept."""

    def __init__(self, moment: int, mood: Mood, rng: random.Random) -> None:
        self._moment, self._mood, self._rng = moment, mood, rng
        self._contents: dict[File, bytes] = {}

    def list_entries(self, folder: Folder, place: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes | None]]:
        """Yield the files below a folder with their contents, and the folders with None, each after its parent."""
        horizon = _find_horizon(folder.syncs, self._moment)
        for name, changes in folder.names.items():
            safe = [change.entry for change in changes if change.ended < horizon]
            open_ = [change.entry for change in changes if change.ended >= horizon and change.began < self._moment]
            entry = self._choose([safe[-1] if safe else None, *open_], self._mood.names)
            if isinstance(entry, File):
                yield place / name, self.read(entry)
            elif entry is not None:
                yield place / name, None
                yield from self.list_entries(entry, place / name)

    def read(self, file: File) -> bytes:
        """Return the contents of a file, the same under each of its names."""
        if file not in self._contents:
            self._contents[file] = self._read(file)
        return self._contents[file]

    def _read(self, file: File) -> bytes:
        horizon = _find_horizon(file.syncs, self._moment)
        content = bytearray()
        for write in file.writes:
            if write.ended < horizon:
                _apply(write, content)
        pending = [write for write in file.writes if write.ended >= horizon and write.began < self._moment]
        if not pending:
            return bytes(content)
        unit, lengths, versions = self._mood.unit, [len(content)], dict[int, list[bytes]]()
        result = bytearray(content)
        for write in pending:
            touched = _list_units(write, len(content), unit)
            for number in touched:
                versions.setdefault(number, [bytes(content[number * unit : (number + 1) * unit])])
            _apply(write, content)
            lengths.append(len(content))
            for number in touched:
                versions[number].append(bytes(content[number * unit : (number + 1) * unit]))
        result.extend(bytes(max(lengths) - len(result)))
        for number, of_unit in versions.items():
            result[number * unit : (number + 1) * unit] = self._choose(of_unit, self._mood.data).ljust(unit, b"\0")
        length = self._choose(lengths, self._mood.lengths)
        return bytes(result[:length].ljust(length, b"\0"))

    def _choose(self, versions: Sequence[_Version], kept: float) -> _Version:
        """Return the last version by the chance `kept`, else the first or any."""
        if len(versions) == 1 or self._rng.random() < kept:
            return versions[-1]
        return versions[0] if kept == 0 or self._rng.random() < 0.5 else self._rng.choice(versions)  # noqa: PLR2004


def write_out(entries: Iterator[tuple[PurePosixPath, bytes | None]], target: Path) -> None:
    """Write the files and folders of a cut into an existing folder."""
    for place, content in entries:
        if content is None:
            (target / place).mkdir(mode=0o700)
        else:
            (target / place).write_bytes(content)


def _find_horizon(syncs: Sequence[tuple[int, int]], moment: int) -> int:
    """Return the moment before which everything is on the disk: the start of the last synchronisation that ended."""
    return max((began for began, ended in syncs if ended < moment), default=-1)


def _list_units(write: Write, length: int, unit: int) -> range:
    """Return the numbers of the units (of `unit` bytes) that a write changes in a file of so many bytes."""
    start, end = write.offset, write.offset + len(write.data or b"")
    if write.data is None:
        start, end = sorted((start, length))
    return range(start // unit, -(-end // unit))


def _apply(write: Write, content: bytearray) -> None:
    end = write.offset + len(write.data or b"")
    if write.data is None:
        del content[end:]
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if write.data is not None:
        content[write.offset : end] = write.data
