"""The index on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.database.engine import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path) -> Iterator[Database]:
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'i.db'}"
    database = Database.open(url)
    database.migrate()
    yield database
    database.close()
