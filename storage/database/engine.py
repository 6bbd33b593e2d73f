"""One engine for the whole process: SQLite in WAL mode with full synchronisation, or PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self, TypeAlias

from sqlalchemy import Connection, Engine, Select, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from config.errors import ConfigurationError, Transient
from storage.database import sqlite
from storage.database.lane import Lane
from storage.database.sqlite import BUSY_SECONDS
from storage.migrations import HEAD, OLDEST_TABLE, VERSION_TABLE

Transaction: TypeAlias = Session
"""A write transaction as other packages see it: they pass it on, and write nothing through it themselves."""

LONGEST_READING = 600
_ADVISORY_LOCK = 0x434F524F
# Alembic keeps its running migration in module globals.
_migrating = threading.Lock()


def _prepare_postgresql(connection: Any, *, durable: bool) -> None:
    if not durable:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
        connection.commit()


def make_engine(url: str, *, password: str | None = None, durable: bool = True) -> Engine:
    """Make the engine for `url`, and the password that is not in it; the durable workflow engine shares it.

    On SQLite plain statements read in autocommit and each writing transaction begins IMMEDIATE, so that two writers
    wait for each other instead of failing. Raises ConfigurationError for a URL that names no usable database.
    """
    try:
        parsed = make_url(url)
        if password is not None:
            parsed = _add_password(parsed, password)
        if parsed.get_backend_name() != "sqlite":
            engine = create_engine(parsed, pool_size=16, max_overflow=48, pool_pre_ping=True)
            event.listen(engine, "connect", lambda connection, _: _prepare_postgresql(connection, durable=durable))
            return engine
        sqlite.make_file(parsed)
        engine = create_engine(parsed, module=sqlite.find_module(), pool_size=16, max_overflow=48)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        # not in the library's words, which may hold a password
        why = f"its driver {error.name} is missing" if isinstance(error, ImportError) else "its form or kind is unknown"
        raise ConfigurationError(
            "storage.database_url: not a database this node can use; allowed: sqlite:////absolute/file.db or "
            f"postgresql+psycopg://user@host/name; {why}"
        ) from error
    event.listen(engine, "connect", lambda connection, _: sqlite.prepare(connection, durable=durable))
    return engine


def _add_password(url: URL, password: str) -> URL:
    """Add a password to a URL. Raises ConfigurationError where it has one."""
    if url.password is not None or "password" in url.query:
        raise ConfigurationError(
            "storage.database_password_file: the password stands in storage.database_url, too; remove it there"
        )
    return url.set(password=password)


def find_file(url: str) -> Path | None:
    """Return the file of an SQLite database; None for another database, or a URL that cannot be read."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    return Path(parsed.database).resolve() if parsed.get_backend_name() == "sqlite" and parsed.database else None


class Database:
    """The engine and its sessions; safe to share between threads, one per process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._sqlite = engine.dialect.name == "sqlite"
        # SQLite's own wait polls and is unfair; threads of this process queue here instead.
        self._writer = threading.Lock()
        self.lane = Lane(engine, self._writer if self._sqlite else None, BUSY_SECONDS)

    @classmethod
    def open(cls, url: str, *, password: str | None = None, durable: bool = True) -> Self:
        """Open the database at `url` (an SQLAlchemy URL) and try one connection.

        Without `durable` a power cut may lose the last commits, but never corrupts the database.

        Raises ConfigurationError when the file cannot be opened, and Transient when a server does not answer: it may be
        about to start.
        """
        database = cls(make_engine(url, password=password, durable=durable))
        try:
            with database.engine.connect():
                pass
        except OperationalError as error:
            database.close()
            kind = ConfigurationError if database._sqlite else Transient  # made here
            raise kind(f"storage.database_url: cannot open the database: {error.orig}") from error
        return database

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One short writing transaction: committed at the end of the block, rolled back by any exception.

        Do not nest it: the inner one would wait for the outer one. Raises Transient when the database is busy, full
        or unreachable.
        """
        if self._sqlite and not self._writer.acquire(timeout=BUSY_SECONDS):
            raise Transient("the database is busy: another writer has held it too long")
        try:
            with self._sessions.begin() as session:
                if self._sqlite:
                    session.connection().exec_driver_sql("BEGIN IMMEDIATE")
                yield session
        except OperationalError as error:
            raise Transient(f"the database did not take the change: {error.orig}") from error
        except PoolTimeout as error:
            raise Transient("the database is busy: no connection became available") from error
        finally:
            if self._sqlite:
                self._writer.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading; all its statements see one state of the database."""
        try:
            with self._sessions() as session:
                if self._sqlite:
                    session.connection().exec_driver_sql("BEGIN")
                else:
                    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                yield session
        except OperationalError as error:
            raise Transient(f"the database did not answer: {error.orig}") from error
        except PoolTimeout as error:
            raise Transient("the database is busy: no connection became available") from error

    def rows(self, statement: Select[Any], *, batch: int) -> Generator[Sequence[Sequence[Any]]]:
        """Yield a statement's rows in batches as they are read; close the generator to stop the statement.

        The rows come from one state of the database, which has to be kept while they are read: a reader that takes
        longer than `LONGEST_READING` is ended, so that the write-ahead log does not grow without limit.

        Raises Transient when the database did not answer, or the rows were taken too slowly.
        """
        latest = time.monotonic() + LONGEST_READING
        options = {"yield_per": batch}
        with self.reading() as session, session.connection().execute(statement, execution_options=options) as result:
            for rows in result.partitions():
                yield rows
                if time.monotonic() > latest:
                    raise Transient(f"the matches were not taken within {LONGEST_READING} seconds")

    def read_revision(self) -> str | None:
        """Return the revision of the tables; None before the first migration."""
        with self.engine.connect() as connection:
            return _read_revision(connection)

    def migrate(self) -> None:
        """Migrate the tables to this version; safe to call from several processes at once.

        Tables of a newer version stay as they are where that allows it: the newer ones only add to what is used here.
        Raises ConfigurationError where it does not.
        """
        with _migrating, self.engine.connect() as connection:
            revision = _read_revision(connection)
            if revision == HEAD or (revision is not None and revision > HEAD and _allows_this_version(connection)):
                return
            # Deferred: Alembic takes longer to import than a command takes to list what is in the index.
            from storage.migrations.upgrade import upgrade  # noqa: PLC0415

            self._lock_schema(connection)
            upgrade(connection)
            connection.commit()

    def _lock_schema(self, connection: Connection) -> None:
        """Lock out other processes until the migration's transaction ends."""
        if self._sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})

    def close(self) -> None:
        """Close every connection; the object cannot be used afterwards."""
        self.lane.close()
        self.engine.dispose()


def _read_revision(connection: Connection) -> str | None:
    """Return the revision of the tables; None before the first migration."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return revision


def _allows_this_version(connection: Connection) -> bool:
    """Return whether tables of a newer version allow this one to work with them."""
    if not inspect(connection).has_table(OLDEST_TABLE):
        return False
    oldest: str | None = connection.execute(text(f"SELECT version_num FROM {OLDEST_TABLE}")).scalar()  # noqa: S608
    return oldest is not None and oldest <= HEAD


@contextmanager
def writing(where: Database | Session) -> Iterator[Session]:
    """Open a short write transaction on a database, or join the caller's session, which is left open."""
    with where.session() if isinstance(where, Database) else nullcontext(where) as session:
        yield session
