"""What an upgrade of the tables would do, told and tried before it is done."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import text

from config.errors import ConfigurationError, Permanent
from storage.database.engine import Database, find_file
from storage.migrations import HEAD
from storage.migrations.upgrade import make_script

_ROOM: Final = 2
"""SQLite copies each table that it changes, beside what is there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The revisions that tables lack, each with what it is about; the size of the index and the room needed, bytes."""

    revision: str
    steps: tuple[tuple[str, str], ...]
    index_bytes: int
    room_bytes: int


def plan_upgrade(database: Database) -> Plan:
    """Plan the upgrade of an index to this version; no steps where it is up to date.

    Raises ConfigurationError for tables of a newer version, Permanent where there are none yet.
    """
    revision = database.read_revision()
    if revision is None:
        raise Permanent("the database holds no tables of this program yet; the node makes them at its first start")
    try:
        scripts = list(make_script().iterate_revisions(HEAD, revision))
    except (CommandError, RevisionError) as error:
        raise ConfigurationError(
            f"storage.database_url: the tables have revision {revision}, this version knows up to {HEAD}; "
            "use the version that made them or a later one"
        ) from error
    steps = tuple((script.revision, (script.doc or "").split("\n")[0].rstrip(".")) for script in reversed(scripts))
    size = _measure(database)
    return Plan(revision, steps, size, _ROOM * size if steps else 0)


def try_upgrade(copy: Callable[[Path], object], place: Path) -> float:
    """Upgrade a copy of an SQLite index that `copy` makes in a temporary folder of `place`; return seconds.

    The index itself is only read. Raises Permanent when the upgraded copy is not sound.
    """
    with tempfile.TemporaryDirectory(prefix="coronode-upgrade-", dir=place) as folder:
        file = Path(folder) / "index.sqlite"
        copy(file)
        trial = Database.open(f"sqlite:///{file}", durable=False)
        try:
            begun = time.monotonic()
            trial.migrate()
            seconds = time.monotonic() - begun
            with trial.reading() as session:
                words = session.execute(text("PRAGMA integrity_check(1)")).scalar()
                broken = session.execute(text("PRAGMA foreign_key_check")).first()
        finally:
            trial.close()
    if words != "ok" or broken is not None:
        raise Permanent(f"the upgraded copy is not sound ({words}, {broken}); do not upgrade, and keep the backup")
    return seconds


def _measure(database: Database) -> int:
    file = find_file(database.engine.url.render_as_string(hide_password=False))
    if file is not None:
        return file.stat().st_size
    with database.reading() as session:
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
