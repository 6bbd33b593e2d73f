"""What SQLite's write-ahead log has of rows that were deleted: it is emptied, and no writer is held up for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import OperationalError

from config.errors import Transient
from storage.database.engine import Database
from storage.database.sqlite import BUSY_SECONDS

PATIENCE_MS: Final = 200
"""So long a try waits for readers, and every writer with it."""

_PAUSE_SECONDS: Final = 0.5


def empty_log(db: Database, *, tries: int = 1, sleep: Callable[[float], object] = time.sleep) -> bool:
    """Bring SQLite's write-ahead log into the database file and empty it; False while a reader is in the way.

    The file itself keeps nothing: what is deleted there is overwritten with zeros. PostgreSQL has no such log here.
    Raises Transient when the database does not answer.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    for attempt in range(tries):
        if attempt:
            sleep(_PAUSE_SECONDS)
        try:
            if _try_to_empty(db):
                return True
        except OperationalError as error:
            raise Transient(f"the database did not answer: {error.orig}") from error
    return False


def _try_to_empty(db: Database) -> bool:
    with db.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE_MS}").close()
        try:
            with connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)") as answer:
                busy, *_ = answer.one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}").close()
    return not busy
