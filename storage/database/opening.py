"""Opening the configured index."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from storage.database.engine import Database


def database_file(settings: Settings) -> Path | None:
    """Return the path of the index in the data folder; None when another database is configured."""
    return None if settings.storage.database_url else settings.node.data_dir.resolve() / "coronode.sqlite"


def open_database(settings: Settings) -> Database:
    """Open the index and migrate its tables to this version. Raises ConfigurationError when it cannot be used."""
    url = settings.storage.database_url or f"sqlite:///{database_file(settings)}"
    database = Database.open(url, durable=settings.storage.durability == "full")
    database.migrate()
    return database
