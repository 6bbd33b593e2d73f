"""Part 10 files in a folder: a temporary name, fsync, rename, fsync of the folder.

root/incoming/    being written, in a folder of each process; emptied at start
root/instances/   whole objects, named by hashes
root/quarantine/  objects that contradict an earlier one

Who reads an object asks `fetch` for its file: in a folder that is the file itself, in a bucket (`BucketFiles`) a copy.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from storage.objects.aside import move_aside
from storage.objects.disk import Look, look_at, make_folder, refuse_on_errors, sync_data, sync_folder
from storage.objects.incoming import Incoming, StoredFile
from storage.objects.walk import walk_names
from storage.objects.workplace import Workplace, is_nobody

KINDS: Final = ("instances", "quarantine")
"""The folders of whole objects."""

_MOST_FOLDERS = 10_000
_COPY_BYTES = 1024 * 1024
_NO_FILES = frozenset({"", ".", ".."})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


class Files:
    """A folder of Part 10 files; thread-safe.

    With `durable` false no file is synchronised: a power cut may lose the last half minute. `owner` names the process
    that writes, where several share the folder; see `storage.objects.workplace`. `kinds` are the folders of whole
    objects.
    """

    is_bucket = False

    def __init__(self, root: Path, *, durable: bool = True, owner: str = "", kinds: Sequence[str] = KINDS) -> None:
        self.root = root.resolve()
        self.durable = self.flushes = durable
        self._prefix = f"{self.root}{os.sep}"
        self._folders: set[str] = set()
        self._places: dict[str, str] = {}
        self._workplace = Workplace(self.root / "incoming", owner)
        with refuse_on_errors():
            make_folder(self.root)
            for folder in (self._workplace.root, *(self.root / kind for kind in kinds)):
                make_folder(folder, self.root)

    def is_present(self) -> bool:
        """Return whether the store is there: False while its disk is away."""
        return (self.root / "instances").is_dir()

    def close(self) -> None:
        """Give up the place for files that are not whole: nothing is written any more."""
        self._workplace.close()

    @property
    def place(self) -> str:
        """Where the objects are, in words for an administrator."""
        return str(self.root)

    def check(self) -> None:
        """Raise OSError, in words for an administrator, when the store cannot be used."""
        if not self.is_present():
            raise FileNotFoundError(errno.ENOENT, "its disk is away", str(self.root))

    def fetch(self, name: str, size: int | None = None, *, anew: bool = False) -> Path:
        """Return a file with the bytes of a stored object, to be read soon.

        Of a folder it is the object's own path, whether it is there or not. `size` in bytes, where it is known, lets a
        copy be told from one of another size; `anew` takes no copy of before. Raises ValueError for a name that leads
        out of the store; for a bucket OSError, FileNotFoundError among them, as reading a file does.
        """
        del size, anew
        return self.path(name)

    def fetch_all(self, names: Sequence[str]) -> list[Path]:
        """Return the files of several objects, in order; raises as `fetch` does."""
        return [self.path(name) for name in names]

    def list_names(self) -> Iterator[str]:
        """Yield the names of all objects, those in quarantine among them; see `walk_names`. Raises OSError."""
        return walk_names(self.root, KINDS)

    def path(self, name: str) -> Path:
        """Return the absolute path of a stored name. Raises ValueError for a name that leads out of the store."""
        return Path(self._place(name))

    def _place(self, name: str) -> str:
        """Return the same as text, as every object needs it."""
        folder, _, last = name.rpartition("/")
        place = self._places.get(folder)
        if place is not None and last not in _NO_FILES:
            return place + last
        path = Path(os.path.normpath(self._prefix + name))
        if str(path.parent) not in self._folders:
            # resolving a path reads the disk for each part; a folder needs that only once
            path = (self.root / name).resolve()
        if not path.is_relative_to(self.root) or path == self.root:
            raise ValueError("a stored name must lie inside the store")
        if last not in _NO_FILES and path.parent != self.root:
            if len(self._places) >= _MOST_FOLDERS:
                self._places.clear()
            self._places[folder] = f"{path.parent}{os.sep}"
        return str(path)

    def make_folder(self, folder: Path) -> None:
        """Create a folder of the store so that it survives a power cut; repeating it costs nothing.

        A store whose disk is away is not made anew: it would be in the way of the one that comes back. Raises OSError.
        """
        if str(folder) in self._folders and folder.is_dir():
            return
        top = self.root / folder.relative_to(self.root).parts[0]
        if not top.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(top))
        make_folder(folder, top if self.durable else None)
        if len(self._folders) >= _MOST_FOLDERS:
            self._folders.clear()
        self._folders.add(str(folder))

    def keep(self, path: str, descriptor: int, name: str) -> None:
        """Give a file that has been written its final name, its contents being durable; the name still needs `sync`.

        Raises OSError.
        """
        final = self._place(name)
        if self.flushes:
            sync_data(descriptor)
        folder = os.path.dirname(final)  # noqa: PTH120  # as text: see `_place`
        if folder in self._folders:
            with suppress(FileNotFoundError):  # emptied and deleted, or its disk has come back without it
                os.replace(path, final)  # noqa: PTH105
                return
        self.make_folder(Path(folder))
        os.replace(path, final)  # noqa: PTH105

    def sync(self, names: Iterable[str]) -> None:
        """Make the names of settled files durable: the second half of a commit, one fsync per folder.

        Raises Rejected (0xA700) when the disk refuses it.
        """
        if not self.durable:
            return
        with refuse_on_errors():
            for folder in dict.fromkeys(name.rpartition("/")[0] for name in names):
                sync_folder(self.root / folder)

    def begin(self, transfer_syntax_uid: str = "") -> Incoming:
        """Open a temporary file in the store's own file system; `discard` removes it unless it has its final name.

        Raises Rejected (0xA700) when the disk is full or not writable.
        """
        with refuse_on_errors():
            path, descriptor = self._workplace.begin()
        return Incoming(self, path, descriptor, transfer_syntax_uid)

    @contextmanager
    def incoming(self, transfer_syntax_uid: str = "") -> Iterator[Incoming]:
        """Open a temporary file for the length of a block."""
        file = self.begin(transfer_syntax_uid)
        try:
            yield file
        finally:
            file.discard()

    def write(
        self, chunks: bytes | Iterable[bytes], name: str, *, preface: bytes = b"", transfer_syntax_uid: str = ""
    ) -> StoredFile:
        """Store a complete object under `name`; raises as `incoming` does."""
        with self.incoming(transfer_syntax_uid) as file:
            file.preface(preface)
            for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
                file.write(chunk)
            return file.commit(name)

    def quarantine(self, name: str) -> str:
        """Move a stored file to quarantine and return its new name; repeating it is harmless."""
        target = f"quarantine/{Path(name).name}"
        final = self.path(target)
        with refuse_on_errors():
            try:
                self.path(name).replace(final)
            except FileNotFoundError:
                # Another thread has just moved the same bytes.
                if not final.exists():
                    raise
            sync_folder(final.parent)
        return target

    def link(self, name: str, target: str) -> None:
        """Give a stored file a second name, which still needs `sync`; a name in use has the same bytes and stays.

        Where the file system has no links the file is copied. Raises Rejected (0xA700) when the disk refuses it.
        """
        source, final = self.path(name), self.path(target)
        with refuse_on_errors():
            self.make_folder(final.parent)
            try:
                os.link(source, final)
            except FileExistsError:
                return
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                with self.incoming() as copy, source.open("rb") as file:
                    while chunk := file.read(_COPY_BYTES):
                        copy.write(chunk)
                    copy.settle(target)

    def remove(self, name: str) -> None:
        """Delete a stored file if it exists."""
        self.path(name).unlink(missing_ok=True)

    def remove_all(self, names: Sequence[str]) -> None:
        """Delete several stored files, those that exist. Raises OSError."""
        for name in names:
            self.remove(name)

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name. Raises OSError."""
        return self.path(name).exists()

    def look_at(self, name: str) -> Look | None:
        """Return size and age of a stored file without reading it; None where there is none. Raises OSError."""
        return look_at(self.root / name)

    def set_aside(self, name: str) -> bool:
        """Move a stored file to lost+found under its own name; False where there is none. Raises OSError."""
        return move_aside(self.root, name)

    def drop_folder(self, name: str) -> None:
        """Delete the folder of a stored name if nothing is in it any more."""
        folder = self.path(name).parent
        if folder.parent != self.root:
            with suppress(OSError):  # not empty, or gone already
                folder.rmdir()

    def sweep(self, is_alive: Callable[[str], bool] = is_nobody) -> int:
        """Delete half-written files of processes that are gone and return their number; call it when a node starts.

        `is_alive` tells of an owner whether it lives on another machine; this machine's are known to each other.
        """
        return self._workplace.sweep(is_alive)

    def free_bytes(self) -> int:
        """Return how many bytes this process may still write to the store's file system.

        Raises Rejected (0xA700) when the disk does not answer.
        """
        with refuse_on_errors():
            state = os.statvfs(self._prefix)
            return state.f_bavail * state.f_frsize
