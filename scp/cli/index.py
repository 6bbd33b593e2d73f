"""Opening the node's index for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ConfigurationError
from config.load import load

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.database.engine import Database
    from storage.objects.files import Files


@contextmanager
def open_index(config_file: Path | None, *, make: bool = False) -> Iterator[Database]:
    """Open the configured index.

    Raises ConfigurationError where no node has run yet, unless it may be made there: a command that reads must not
    create an empty index.
    """
    with _open(load(config_file), make=make) as database:
        yield database


@contextmanager
def open_store(config_file: Path | None) -> Iterator[tuple[Database, Files]]:
    """Open the configured index with its files; raises as `open_index` does."""
    from storage.series import store

    settings = load(config_file)
    with _open(settings) as database:
        yield database, store.open_store(settings, database)


@contextmanager
def _open(settings: Settings, *, make: bool = False) -> Iterator[Database]:
    from scp.privacy import create_closed
    from storage.database.opening import database_file, open_database

    create_closed()
    file = database_file(settings)
    if not make and file is not None and not file.exists():
        raise ConfigurationError(
            f"no node has run here: there is no {file}; name the node's configuration with --config FILE"
        )
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()
