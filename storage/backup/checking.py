"""Checking a backup: whether every file of it has the bytes that were written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.errors import Permanent
from storage.backup.listing import MISSING, Listed, read_list
from storage.backup.manifest import CONFIGURATION, OBJECTS, Manifest
from storage.backup.pace import quietly
from storage.objects.digest import Pace, at_any_pace, digest_whole

_MOST_NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was read through: its manifest, how many of its files are damaged, and the first of those."""

    manifest: Manifest
    damaged: int
    named: tuple[str, ...]


def check_backup(folder: Path, *, told: Callable[[int, int], None] = quietly, pace: Pace = at_any_pace) -> Checked:
    """Read every file of a backup; raises Permanent where there is no whole one, OSError."""
    manifest = Manifest.read(folder)
    for name, digest in (
        (manifest.index, manifest.index_sha256),
        (manifest.listing, manifest.listing_sha256),
        (CONFIGURATION, manifest.configuration_sha256),
    ):
        if not _matches(folder / name, digest, pace):
            raise Permanent(f"{folder / name}: is missing or damaged; this backup cannot be restored: use another one")
    damaged, named = 0, []
    for done, item in enumerate(read_list(folder / manifest.listing), 1):
        if item.sha256 != MISSING and not _matches(find_object(folder, item), item.sha256, pace):
            damaged += 1
            if damaged <= _MOST_NAMED:
                named.append(item.name)
        told(done, manifest.objects + manifest.missing)
    return Checked(manifest, damaged, tuple(named))


def find_object(folder: Path, item: Listed) -> Path:
    """Return the file of an object of a backup. Raises Permanent for a name that leads out of it."""
    root = (folder / OBJECTS).resolve()
    path = root / item.name
    if ".." in Path(item.name).parts or not path.is_relative_to(root):
        raise Permanent(f"{folder}: its list names a file outside of it: {item.name}; the backup is not to be trusted")
    return path


def list_objects(folder: Path, manifest: Manifest) -> Iterator[Listed]:
    """List the objects that a backup holds."""
    return (item for item in read_list(folder / manifest.listing) if item.sha256 != MISSING)


def _matches(path: Path, digest: str, pace: Pace) -> bool:
    try:
        return digest_whole(path, pace=pace) == digest
    except FileNotFoundError:
        return False


def read_configuration(folder: Path) -> str:
    """Return the configuration of a backup, without secrets; raises as `check_backup` does."""
    manifest = Manifest.read(folder)
    if not _matches(folder / CONFIGURATION, manifest.configuration_sha256, at_any_pace):
        raise Permanent(f"{folder / CONFIGURATION}: is missing or damaged; write a new one: coronode config init")
    return (folder / CONFIGURATION).read_text(encoding="utf-8")
