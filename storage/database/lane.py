"""A short way into the database for the statements of the usual object: no session, no pool, the driver's own cursor.

A session costs 300 to 400 microseconds for each transaction, more than all of its statements; an object over one
association has a transaction of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from storage.database.prepared import Prepared


class LaneClosed(Exception):
    """The transaction did not happen, or nobody knows: the ordinary way has to be taken, and tells what is wrong."""


class Cursor:
    """Runs prepared statements within one transaction."""

    def __init__(self, engine: Engine, cursor: Any) -> None:
        self._dialect: Final = engine.dialect
        self._cursor: Final = cursor

    def first(self, statement: Prepared, **values: Any) -> Sequence[Any] | None:
        """Execute a query and return its first row."""
        self._cursor.execute(*statement.bind(self._dialect, values))
        row: Sequence[Any] | None = self._cursor.fetchone()
        return row

    def run(self, statement: Prepared, **values: Any) -> None:
        """Execute a statement that returns no row."""
        self._cursor.execute(*statement.bind(self._dialect, values))

    def run_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement for each row."""
        bound = [statement.bind(self._dialect, row) for row in rows]
        if bound:
            self._cursor.executemany(bound[0][0], [parameters for _, parameters in bound])


class Lane:
    """One connection of an engine that is kept open for writing; its users take turns.

    `writer` is the lock of the process's writers on SQLite, which is waited for up to `patience` seconds.
    """

    def __init__(self, engine: Engine, writer: threading.Lock | None, patience: float) -> None:
        self._engine = engine
        self._is_sqlite = writer is not None
        self._turn = threading.Lock() if writer is None else writer
        self._patience = patience
        self._connection: DBAPIConnection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Open a transaction, which is durable at the end of the block like any other.

        Raises LaneClosed for every error of the database, also one in the block.
        """
        if not self._turn.acquire(timeout=self._patience):
            raise LaneClosed
        try:
            connection = self._connect()
            cursor = connection.cursor()
            if self._is_sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            yield Cursor(self._engine, cursor)
            connection.commit()
            cursor.close()
        except (self._engine.dialect.loaded_dbapi.Error, SQLAlchemyError) as error:
            self._drop()
            raise LaneClosed from error
        except BaseException:
            self._drop()
            raise
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        with self._turn:
            self._drop()

    def _connect(self) -> DBAPIConnection:
        if self._connection is None:
            fairy = self._engine.raw_connection()
            fairy.detach()
            self._connection = fairy.dbapi_connection
        if self._connection is None:
            raise LaneClosed
        return self._connection

    def _drop(self) -> None:
        """Close the connection, which rolls back what is open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._engine.dialect.loaded_dbapi.Error):
                connection.close()
