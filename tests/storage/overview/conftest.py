"""Statements that the database was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from storage.database.engine import Database


@pytest.fixture
def statements() -> Callable[[Database], object]:
    """`with statements(database) as made`: a list of the statements that were made meanwhile."""

    @contextmanager
    def watch(database: Database) -> Iterator[list[str]]:
        made: list[str] = []

        def note(_connection, _cursor, statement, *_):
            made.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        try:
            yield made
        finally:
            event.remove(database.engine, "before_cursor_execute", note)

    return watch
