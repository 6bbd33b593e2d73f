"""The short way into the database: a transaction like any other, and the ordinary way where it fails."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, func, insert, select

from storage.database.engine import Database
from storage.database.lane import LaneClosed
from storage.database.models import InstanceRow, StudyRow
from storage.database.pause_rows import PauseRow
from storage.database.prepared import Prepared

ADD = Prepared(insert(PauseRow).values({name: bindparam(name) for name in ("destination", "since", "person")}))


def values(destination):
    return {"destination": destination, "since": datetime(2026, 3, 2, tzinfo=UTC), "person": ""}


def add(db, *destinations, error=None):
    with db.lane.transaction() as cursor:
        for destination in destinations:
            cursor.run(ADD, **values(destination))
        if error is not None:
            raise error


def count(db, row=InstanceRow):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(row))


def slice_(node, number):
    return node.ct(SOPInstanceUID=f"1.2.1.1.{number}")


def test_the_usual_object_needs_no_session(node, monkeypatch):
    node.store(slice_(node, 1))

    def refuse(_):
        pytest.fail("a session was opened")

    monkeypatch.setattr(Database, "session", refuse)
    assert [node.store(slice_(node, number)).outcome for number in (2, 3)] == ["stored", "stored"]
    assert count(node.db) == 3


def test_its_commit_is_as_durable_as_any_other(node, tmp_path):
    with node.db.lane.transaction() as cursor:
        cursor._cursor.execute("PRAGMA synchronous")
        assert cursor._cursor.fetchone() == (2,)
    relaxed = Database.open(f"sqlite:///{tmp_path / 'relaxed.sqlite'}", durable=False)
    with relaxed.lane.transaction() as cursor:
        cursor._cursor.execute("PRAGMA synchronous")
        assert cursor._cursor.fetchone() == (1,)
    relaxed.close()


def test_where_it_fails_the_ordinary_way_is_taken_and_the_next_object_finds_it_open(node, monkeypatch):
    node.store(slice_(node, 1))
    node.store(slice_(node, 2))
    node.db.lane._connection.close()
    assert node.store(slice_(node, 3)).outcome == "stored"
    monkeypatch.setattr(Database, "session", None)
    assert node.store(slice_(node, 4)).outcome == "stored"
    assert count(node.db) == 4


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing_behind(node, error):
    before = count(node.db, PauseRow)
    with pytest.raises(error):
        add(node.db, "PACS", error=error)
    assert count(node.db, PauseRow) == before
    add(node.db, "PACS")
    assert count(node.db, PauseRow) == before + 1


def test_an_error_of_the_database_closes_it(node):
    with node.db.lane.transaction() as cursor:
        cursor.run_many(ADD, [values("PACS")])
    with pytest.raises(LaneClosed):
        add(node.db, "OTHER", "PACS")
    assert count(node.db, PauseRow) == 1


def test_a_study_that_lacks_something_is_filled_in_the_ordinary_way(node):
    node.store(slice_(node, 1))
    node.store(node.ct(SOPInstanceUID="1.2.1.1.2", AccessionNumber="A7"))
    with node.db.reading() as session:
        assert session.scalar(select(StudyRow.accession_number)) == "A7"
