"""The manifest of a backup: what it holds, and the seal by which a broken-off or damaged one is known.

FOLDER/manifest.json        written last; names the two files of its generation
FOLDER/index-N.sqlite       the index (PostgreSQL: index-N.dump, for pg_restore)
FOLDER/objects-N.list       digest, size and name of every object
FOLDER/objects/...          the objects, under the names that they have in the node's store
FOLDER/coronode.toml        the configuration without its secrets
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from config.errors import Permanent
from storage.objects.disk import sync_folder

MANIFEST: Final = "manifest.json"
LOCK: Final = "backup.lock"
OBJECTS: Final = "objects"
CONFIGURATION: Final = "coronode.toml"
FORMAT: Final = "coronode.backup/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a whole backup holds; sizes in bytes, digests are SHA-256 of the files themselves.

    `origin` says which node it is of. `missing` counts objects that the index names and that were not in the store.
    """

    version: str
    revision: str
    origin: str
    taken_at: str
    database: str
    index: str
    index_size: int
    index_sha256: str
    listing: str
    listing_sha256: str
    configuration_sha256: str
    objects: int
    object_bytes: int
    missing: int
    copied: int
    copied_bytes: int

    @property
    def when(self) -> datetime:
        """When the index was copied, in UTC."""
        return datetime.fromisoformat(self.taken_at)

    def write(self, folder: Path) -> None:
        """Put the manifest in its place durably: from then on the folder is a backup of this state. Raises OSError."""
        body = {"format": FORMAT, **asdict(self)}
        write_durably(folder / MANIFEST, json.dumps({**body, "seal": _seal(body)}, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of a backup.

        Raises Permanent, in words, where there is no whole backup, or one that this version does not know.
        """
        try:
            body = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Permanent(
                f"{folder}: holds no whole backup (no {MANIFEST}); one that was broken off is finished by running "
                "coronode backup into the same folder again"
            ) from None
        except (OSError, ValueError) as error:
            raise Permanent(f"{folder / MANIFEST}: cannot be read ({error}); take another backup") from error
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise Permanent(f"{folder / MANIFEST}: is not in the form {FORMAT}; was it made by a newer version?")
        seal = body.pop("seal", "")
        if seal != _seal(body) or body.keys() != {"format", *(field.name for field in fields(cls))}:
            raise Permanent(f"{folder / MANIFEST}: was changed or damaged after the backup; take another backup")
        del body["format"]
        return cls(**body)


def find_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, None where no backup was finished; raises as `Manifest.read` does."""
    return Manifest.read(folder) if (folder / MANIFEST).exists() else None


def write_durably(path: Path, text: str) -> None:
    """Write a file of this user alone so that it is there in whole or not at all. Raises OSError."""
    draft = path.with_name(path.name + ".part")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def _seal(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
