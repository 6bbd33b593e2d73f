"""Opening the configured index."""

from __future__ import annotations

from pathlib import Path

from config.secrets import read_secret
from config.settings import Settings
from storage.database.engine import Database, find_file
from storage.database.restoring import refuse_unfinished


def database_file(settings: Settings) -> Path | None:
    """Return the path of the index in the data folder; None when another database is configured."""
    return None if settings.storage.database_url else settings.node.data_dir.resolve() / "coronode.sqlite"


def list_database_files(settings: Settings) -> list[Path]:
    """List the files that a configured SQLite database may have (PostgreSQL: none), there or not."""
    file = database_file(settings) or find_file(settings.storage.database_url or "")
    return [] if file is None else [file.with_name(file.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def is_shared(settings: Settings) -> bool:
    """Return whether several nodes may work on the configured index: on any database but SQLite."""
    return database_file(settings) is None and find_file(settings.storage.database_url or "") is None


def open_database(settings: Settings) -> Database:
    """Open the index and migrate its tables to this version. Raises ConfigurationError when it cannot be used."""
    database = connect_database(settings)
    database.migrate()
    return database


def connect_database(settings: Settings, *, restoring: bool = False) -> Database:
    """Open the index with the tables that it has, of whatever version; raises as `open_database` does.

    Only the restore itself opens one that is being restored.
    """
    if not restoring:
        refuse_unfinished(settings)
    url = settings.storage.database_url or f"sqlite:///{database_file(settings)}"
    password = read_secret(None, settings.storage.database_password_file, "storage.database_password_file")
    return Database.open(url, password=password, durable=settings.storage.durability == "full")
