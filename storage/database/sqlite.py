"""SQLite: its module, its file, and what each connection is set to."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sqlalchemy.engine import URL

from config.errors import ConfigurationError

BUSY_SECONDS: Final = 30
OLDEST_SQLITE: Final = (3, 42, 0)


def find_module() -> ModuleType:
    """Return the DB-API module: the interpreter's own unless its SQLite is too old for the durable engine."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE and importlib.util.find_spec("pysqlite3") is not None:
        return import_module("pysqlite3.dbapi2")
    return sqlite3


def prepare(connection: Any, *, durable: bool) -> None:
    """Configure a connection: writers take the lock at once; a durable commit is on the disk when it returns."""
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        _use_wal(cursor)
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        # or a patient who was deleted stays readable in the file, and in every copy of it
        cursor.execute("PRAGMA secure_delete=ON")
    finally:
        cursor.close()


def _use_wal(cursor: Any) -> None:
    """Switch to WAL; SQLite does not wait for other processes when it changes the mode, so retry."""
    deadline = time.monotonic() + BUSY_SECONDS
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def make_file(url: URL) -> None:
    """Create the database file and its folder for this user alone.

    In-memory databases are refused because each thread would see its own.
    """
    if not url.database or url.database == ":memory:" or url.query.get("mode") == "memory":
        raise ConfigurationError(
            "storage.database_url: SQLite needs a file, for example sqlite:////var/lib/coronode.db"
        )
    try:
        file = Path(url.database)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make it by the umask, and gives its -wal and -shm the mode of this file.
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigurationError(f"storage.database_url: cannot make the file or its folder: {error}") from error
