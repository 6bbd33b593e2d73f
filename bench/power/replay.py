"""From recorded system calls to a disk and to what other machines were told."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from random import Random
from typing import Final

from bench.power.disk import BEST, Cut, File, Folder
from bench.power.messages import read_commands
from bench.power.recording import MARK, Call

_FILE: Final = re.compile(r"(?:\d+|AT_FDCWD)?<((?:\\x[0-9a-f]{2})+)(?:<char [0-9:]+>)?>(\(deleted\))?")
_NUMBER: Final = re.compile(r"(\d+)<")
_SOCKET: Final = re.compile(r"\d+<TCP")
_LAST_NUMBER: Final = re.compile(r", (-?\d+)\)?$")
_POSITIONED: Final = frozenset({"pwrite64", "pwritev", "pwritev2"})
_WRITES: Final = _POSITIONED | {"write", "writev"}
_SENDS: Final = frozenset({"sendto", "sendmsg", "write", "writev"})
_END: Final = 1 << 62
_COMMAND_FIELD, _STATUS, _SOP_INSTANCE = 0x0100, 0x0900, 0x1000
_STORE_RQ, _STORE_RSP = 0x0001, 0x8001


class _NotYet(Exception):
    """A call needs a file or a folder that is not there."""


@dataclass(frozen=True, slots=True)
class Told:
    """What left the machine at a moment, about an object (its UID), or a mark (its name)."""

    moment: int
    about: str


@dataclass
class Replay:
    """The disk below `root` as the calls left it, and what happened meanwhile; `moments` are those of its changes.

    `stored` are objects acknowledged with Success (C-STORE-RSP), `offered` those sent to others (C-STORE-RQ), and
    `marks` those of the recorder. Synchronisations of paths that contain `deaf_to` count for nothing, as if they had
    been forgotten.
    """

    root: Path
    deaf_to: str | None = None
    disk: Folder = field(default_factory=Folder)
    stored: list[Told] = field(default_factory=list)
    offered: list[Told] = field(default_factory=list)
    marks: list[Told] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    _places: dict[tuple[str, File], int] = field(default_factory=dict)

    def play(self, calls: Iterable[Call]) -> None:
        """Take up calls in the order in which they began. Raises ValueError for one whose effect is not modelled."""
        early: list[Call] = []
        for call in calls:
            if call.name in _SENDS and _SOCKET.match(call.arguments):
                self._note_sent(call)
            else:
                early = [each for each in (call, *early) if not self._note_change(each)]
        if early:
            raise ValueError(f"{early[0].name} needs what was never made: {early[0].arguments[:200]}")

    def read_all(self) -> dict[str, bytes]:
        """Return all files that are there after the last call, by their paths."""
        cut = Cut(_END, BEST, Random(0))  # noqa: S311  # nothing is drawn
        return {str(place): data for place, data in cut.list_entries(self.disk, PurePosixPath()) if data is not None}

    def list_removed(self, moment: int) -> set[str]:
        """List the files, by their paths below `root`, that were deleted before a moment and not made again."""
        return set(_list_removed(self.disk, PurePosixPath(), moment))

    def _note_sent(self, call: Call) -> None:
        for fields in read_commands(b"".join(_strings(call))):
            command, status = (fields.get(tag, b"\xff\xff") for tag in (_COMMAND_FIELD, _STATUS))
            uid = fields.get(_SOP_INSTANCE, b"").rstrip(b"\0 ").decode("ascii")
            if struct.unpack("<H", command) == (_STORE_RQ,):
                self.offered.append(Told(call.began, uid))
            elif struct.unpack("<H", command) == (_STORE_RSP,) and status == b"\0\0":
                self.stored.append(Told(call.began, uid))

    def _note_change(self, call: Call) -> bool:
        """Note a change of the disk; False for one that needs what another call has yet to make.

        Of two that overlap, the one that began first may have been carried out last.
        """
        try:
            self._change(call)
        except _NotYet:
            return False
        return True

    def _change(self, call: Call) -> None:
        if call.name in ("open", "openat", "creat", "openat2"):
            self._note_opened(call)
        elif call.name in _WRITES or call.name in ("lseek", "ftruncate", "fsync", "fdatasync"):
            self._note_descriptor(call)
        elif call.name in ("rename", "renameat", "renameat2", "link", "linkat"):
            self._note_moved(call)
        elif call.name in ("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"):
            self._note_named(call)
        elif any(map(self._is_ours, (*_paths(call), *(_decode(text) for text, _ in _FILE.findall(call.arguments))))):
            raise ValueError(f"{call.name} is not modelled: {call.arguments[:200]}")

    def _note_opened(self, call: Call) -> None:
        path = _path_of(call.place)
        if path is None or path == self.root or not self._is_ours(path):
            return
        folder, name = self._folder(path.parent), path.name
        file = folder.find(name)
        if file is None and ("O_CREAT" in call.arguments or call.name == "creat"):
            file = File()
            folder.name(call.began, call.ended, name, file)
            self.moments.append(call.began)
        elif isinstance(file, File) and "O_TRUNC" in call.arguments:
            file.write(call.began, call.ended, 0, None)
        if isinstance(file, File):
            self._places[str(call.result), file] = -1 if "O_APPEND" in call.arguments else 0

    def _note_descriptor(self, call: Call) -> None:
        found, number = _FILE.match(call.arguments), _NUMBER.match(call.arguments)
        if found is None or number is None or found[2]:
            return
        path = _decode(found[1])
        if path == Path("/dev/null") and call.name == "write":
            words = b"".join(_strings(call)).decode("utf-8", "replace").strip()
            if words.startswith(MARK):
                self.marks.append(Told(call.began, words.removeprefix(MARK)))
        if not self._is_ours(path):
            return
        entry = self._find(path)
        if call.name in ("fsync", "fdatasync") and entry is not None:
            if self.deaf_to is None or self.deaf_to not in str(path.relative_to(self.root)):
                entry.syncs.append((call.began, call.ended))
            self.moments += [call.began, call.ended]
        elif isinstance(entry, File):
            self._note_contents(call, entry, number[1])

    def _note_contents(self, call: Call, file: File, descriptor: str) -> None:
        last = _LAST_NUMBER.search(call.arguments)
        if call.name == "lseek":
            self._places[descriptor, file] = call.result
        elif call.name == "ftruncate":
            file.write(call.began, call.ended, int(last[1]) if last else 0, None)
        else:
            data = b"".join(_strings(call))[: call.result]
            if len(data) != call.result:
                raise ValueError(f"a {call.name} was recorded with {len(data)} bytes of {call.result}")
            offset = int(last[1]) if call.name in _POSITIONED and last else self._places.get((descriptor, file), 0)
            if offset < 0:
                offset = file.size
            elif call.name not in _POSITIONED:
                self._places[descriptor, file] = offset + len(data)
            file.write(call.began, call.ended, offset, data)
            self.moments.append(call.began)

    def _note_moved(self, call: Call) -> None:
        source, target = _paths(call)
        if not (self._is_ours(source) or self._is_ours(target)):
            return
        if "RENAME_" in call.arguments and "RENAME_NOREPLACE" not in call.arguments:
            raise ValueError(f"{call.name} is not modelled: {call.arguments}")
        entry = self._find(source)
        if entry is None:
            raise _NotYet
        self._folder(target.parent).name(call.began, call.ended, target.name, entry)
        if not call.name.startswith("link"):
            self._folder(source.parent).name(call.began, call.ended, source.name, None)
        self.moments.append(call.began)

    def _note_named(self, call: Call) -> None:
        (path,) = _paths(call)
        if not self._is_ours(path):
            return
        makes = call.name.startswith("mkdir")
        self._folder(path.parent).name(call.began, call.ended, path.name, Folder() if makes else None)
        self.moments.append(call.began)

    def _is_ours(self, path: Path) -> bool:
        return path.is_relative_to(self.root) and not path.name.endswith("-shm")

    def _find(self, path: Path) -> File | Folder | None:
        entry: File | Folder | None = self.disk
        for part in path.relative_to(self.root).parts:
            entry = entry.find(part) if isinstance(entry, Folder) else None
        return entry

    def _folder(self, path: Path) -> Folder:
        entry = self._find(path)
        if not isinstance(entry, Folder):
            raise _NotYet
        return entry


def _list_removed(folder: Folder, place: PurePosixPath, moment: int) -> Iterator[str]:
    for name, changes in folder.names.items():
        before = [change.entry for change in changes if change.began < moment]
        if before and before[-1] is None:
            yield str(place / name)
        for entry in before:
            if isinstance(entry, Folder):
                yield from _list_removed(entry, place / name, moment)


def _strings(call: Call) -> list[bytes]:
    """Return the strings among a call's arguments, which are written in hexadecimal digits."""
    return [bytes.fromhex(text.replace("\\x", "")) for text in call.arguments.split('"')[1::2]]


def _paths(call: Call) -> list[Path]:
    """Return the paths that a call names, each relative to the descriptor that stands before it, if one does."""
    pieces = call.arguments.split('"')
    paths = []
    for before, text in zip(pieces[::2], pieces[1::2], strict=False):
        folders = _FILE.findall(before)
        paths.append(Path(_decode(folders[-1][0]) if folders else "/") / _decode(text))
    return paths


def _path_of(place: str) -> Path | None:
    found = _FILE.match(place)
    return None if found is None or found[2] else _decode(found[1])


def _decode(text: str) -> Path:
    return Path(bytes.fromhex(text.replace("\\x", "")).decode())
