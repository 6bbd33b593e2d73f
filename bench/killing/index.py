"""The node's database, read from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

Rows = Callable[..., Sequence[tuple[Any, ...]]]
"""Runs a query with `?` for each value."""


@contextmanager
def open_sqlite(data: Path) -> Iterator[Rows]:
    """Open the database in a data folder for reading."""
    file = data / "coronode.sqlite"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


@contextmanager
def open_postgresql(url: str) -> Iterator[Rows]:
    """Open a database of PostgreSQL by the URL that the node is given."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True, connect_timeout=10) as connection:
        yield lambda query, *values: connection.execute(query.replace("?", "%s").encode(), values).fetchall()
