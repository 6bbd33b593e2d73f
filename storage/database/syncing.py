"""Making the commits so far durable where `storage.durability` is "relaxed"."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import text

from config.errors import Transient
from storage.database.engine import Database, find_file


def sync_commits(db: Database) -> None:
    """Make every transaction that has been committed durable.

    Raises Transient when the disk or the database refuses.
    """
    file = find_file(db.engine.url.render_as_string(hide_password=False))
    if file is None:
        with db.session() as session:  # a commit flushes the log up to its own record
            session.execute(text("SET LOCAL synchronous_commit = on"))
            session.execute(text("SELECT pg_current_xact_id()"))
        return
    log = Path(f"{file}-wal")
    try:
        # of the log alone: to close the database file would release the locks that SQLite holds on it
        descriptor = os.open(log, os.O_RDONLY)
    except FileNotFoundError:  # everything has been moved to the database file, which is synchronised before
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise Transient(f"{log}: cannot be synchronised: {error.strerror}") from error
    finally:
        os.close(descriptor)
