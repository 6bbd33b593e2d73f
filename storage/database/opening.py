"""The index as the configuration names it."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from storage.database.engine import Database


def database_file(settings: Settings) -> Path | None:
    """Path of the index inside the data folder; None when the configuration names another database."""
    return None if settings.storage.database_url else settings.node.data_dir.resolve() / "coronode.sqlite"


def open_database(settings: Settings) -> Database:
    """Open the index and bring it to this version's tables. Raises ConfigurationError when it cannot be used."""
    url = settings.storage.database_url or f"sqlite:///{database_file(settings)}"
    database = Database.open(url, durable=settings.storage.durability == "full")
    database.migrate()
    return database
