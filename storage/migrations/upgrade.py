"""Runs the revisions that a database lacks."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from config.errors import ConfigurationError
from storage.migrations import HEAD, OLDEST, OLDEST_TABLE


def upgrade(connection: Connection) -> None:
    """Migrate the tables to the latest revision, inside the transaction of an open connection.

    What is the oldest version that may go on with them stands in the database, where such a version finds it.

    Raises ConfigurationError for a database used by a newer version.
    """
    try:
        command.upgrade(migration_config(connection), HEAD)
    except CommandError as error:
        raise ConfigurationError(
            f"storage.database_url: this version cannot use the database ({error}); was it made by a newer one?"
        ) from error
    connection.execute(text(f"DELETE FROM {OLDEST_TABLE}"))  # noqa: S608
    connection.execute(text(f"INSERT INTO {OLDEST_TABLE} VALUES (:oldest)"), {"oldest": OLDEST})  # noqa: S608


def migration_config(connection: Connection) -> Config:
    """Make Alembic's configuration for the revisions of this package on an open connection."""
    config = _make_config()
    config.attributes["connection"] = connection
    return config


def make_script() -> ScriptDirectory:
    """Return the revisions of this package, without a database."""
    return ScriptDirectory.from_config(_make_config())


def _make_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
