"""Copying the index of a node that works, and putting the copy in place elsewhere."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from config.errors import ConfigurationError, Permanent, Transient
from storage.database.backup_rows import TABLE as BACKUPS
from storage.database.engine import Database, find_file
from storage.migrations import VERSION_TABLE

Named = tuple[str, int]
"""An object that the index names: its name in the store, its size in bytes."""

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
# in the order of code points, whatever the locale; columns that every revision has
_NAMES: Final = (
    "SELECT path, max(size) FROM (SELECT path, size FROM instances UNION ALL SELECT path, size FROM quarantine) n"
)
_REVISION: Final = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Copied:
    """The kind of database that was copied, and the revision of its tables."""

    kind: str
    revision: str


def copy_index(database: Database, target: Path, note: Callable[[Iterator[Named]], None]) -> Copied:
    """Copy the index as it is at one moment to `target`, and hand the objects that this state names to `note`.

    The node may go on meanwhile. Raises Transient when the database or the disk does not answer, Permanent for a
    database that is damaged or has no tables yet, ConfigurationError when pg_dump is missing.
    """
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    file = find_file(_url(database))
    return _dump(database, target, note) if file is None else _copy_file(file, target, note)


def _copy_file(file: Path, target: Path, note: Callable[[Iterator[Named]], None]) -> Copied:
    """Copy by SQLite's backup API, in one step: in WAL mode a reader of any length holds nobody up."""
    try:
        with (
            closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            _refuse_damage(copy, file)
            _forget_backups(copy)
            revision = copy.execute(_REVISION).fetchone()
            note((str(name), int(size)) for name, size in copy.execute(f"{_NAMES} GROUP BY path ORDER BY path"))
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
            raise Transient(f"{file}: cannot be copied: {error}") from error
        raise Permanent(f"{file}: is no index of this program, or it is damaged: {error}") from error
    with target.open("rb+") as written:
        os.fsync(written.fileno())
    return Copied(SQLITE, str(revision[0]))


def _refuse_damage(copy: sqlite3.Connection, file: Path) -> None:
    found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Permanent(f"{file}: is damaged ({found}); the last backup is not touched: restore it, or ask for help")


def _forget_backups(copy: sqlite3.Connection) -> None:
    """Let the copy claim no backup: in a restored index it would be one of another node, or of before."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (BACKUPS,)).fetchone():
        copy.execute(f"DELETE FROM {BACKUPS}")  # noqa: S608
        copy.commit()


def _dump(database: Database, target: Path, note: Callable[[Iterator[Named]], None]) -> Copied:
    """Copy by pg_dump, which reads the very state from which the names are taken."""
    program = _find_program("pg_dump")
    with database.reading() as session:
        connection = session.connection()
        revision = str(connection.execute(text(_REVISION)).scalar())
        snapshot = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar())
        options = ["--format=custom", f"--snapshot={snapshot}", f"--exclude-table-data={BACKUPS}"]
        _run_program([program, *options, f"--file={target}"], database)
        note(_read_names(connection))
    with target.open("rb+") as written:
        os.fsync(written.fileno())
    return Copied(POSTGRESQL, revision)


def _read_names(connection: Connection) -> Iterator[Named]:
    query = text(f'{_NAMES} GROUP BY path ORDER BY path COLLATE "C"')
    with connection.execution_options(yield_per=_BATCH).execute(query) as rows:
        for name, size in rows:
            yield str(name), int(size)


def refuse_used(database: Database) -> None:
    """Raise Permanent for a database on a server that holds tables already: a restore goes into an empty one."""
    with database.engine.connect() as connection:
        inspector = inspect(connection)
        if inspector.get_table_names() or "dbos" in inspector.get_schema_names():
            raise Permanent(
                f"storage.database_url: {database.engine.url.render_as_string()} is not empty; make a new database "
                "(createdb) and name that one"
            )


def load_dump(database: Database, dump: Path) -> None:
    """Put a dump into an empty database, in whole or not at all; raises as `copy_index` does."""
    program = _find_program("pg_restore")
    _run_program(
        [program, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(dump)],
        database,
    )


def _find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ConfigurationError(
            f"{name} is not installed; it copies a PostgreSQL database (Debian: apt-get install postgresql-client), "
            "and must not be older than the server"
        )
    return path


def _run_program(command: list[str], database: Database) -> None:
    """Run one of PostgreSQL's programs on a database; the password travels unseen, in the environment."""
    url = database.engine.url
    password = url.password or url.query.get("password")
    address = url.set(drivername="postgresql", password=None).difference_update_query(["password"])
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    done = subprocess.run(  # noqa: S603  # found in PATH, arguments are ours
        [command[0], f"--dbname={address.render_as_string(hide_password=False)}", *command[1:]],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = " ".join(done.stderr.split())[-500:]
        raise Transient(f"{Path(command[0]).name} failed: {words}")


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)
