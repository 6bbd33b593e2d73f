"""The engine's settings, transactions of many threads and processes, migrations."""

from __future__ import annotations

import pkgutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import StatementError

import storage.database
from config.errors import ConfigurationError, Transient
from storage.database import audit, engine
from storage.database.columns import Base
from storage.database.engine import Database
from storage.database.models import AuditRow
from storage.migrations import HEAD
from storage.migrations.upgrade import migration_config

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MIGRATE = (
    "import sys; from storage.database.engine import Database; d = Database.open(sys.argv[1]); d.migrate(); d.close()"
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'new' / 'index.db'}"


def test_sqlite_is_durable_and_new_enough(node):
    with node.db.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    assert tuple(map(int, version.split("."))) >= (3, 42, 0)


def test_models_and_migrations_agree(url):
    for module in pkgutil.iter_modules(storage.database.__path__):
        if module.name.endswith("_rows"):
            import_module(f"storage.database.{module.name}")
    db = Database.open(url)
    try:
        db.migrate()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": "coronode_version", "compare_type": True}
            )
            assert compare_metadata(context, Base.metadata) == []
    finally:
        db.close()


def test_the_head_that_the_engine_looks_for_is_the_last_revision(node):
    with node.db.engine.connect() as connection:
        scripts = ScriptDirectory.from_config(migration_config(connection))
    assert scripts.get_heads() == [HEAD]


def test_migrating_twice_keeps_rows(node):
    audit.record(node.db, NOON, "start")
    node.db.migrate()
    assert [event.kind for event in audit.list_events(node.db)] == ["start"]


def test_migration_leaves_foreign_tables_alone(node):
    with node.db.session() as session:
        session.execute(text("CREATE TABLE workflow_status (id INTEGER)"))
    node.db.migrate()
    assert "workflow_status" in inspect(node.db.engine).get_table_names()


def test_several_processes_migrate_at_once(url):
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, url], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    complaints = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], complaints
    db = Database.open(url)
    try:
        audit.record(db, NOON, "start")
    finally:
        db.close()


def test_several_threads_migrate_at_once(url):
    db = Database.open(url)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: db.migrate(), range(4))) == [None] * 4
    finally:
        db.close()


def note_newer(node, oldest):
    with node.db.session() as session:
        session.execute(text("UPDATE coronode_version SET version_num = '9999'"))
        session.execute(text("UPDATE coronode_oldest SET version_num = :oldest"), {"oldest": oldest})


def test_a_newer_database_that_only_added_to_this_one_is_used_as_it_is(node):
    note_newer(node, HEAD)
    node.db.migrate()
    audit.record(node.db, NOON, "start")
    with node.db.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM coronode_version")) == "9999"


def test_a_newer_database_that_changed_what_this_version_uses_is_refused(node):
    note_newer(node, "9999")
    with pytest.raises(ConfigurationError, match="newer"):
        node.db.migrate()


def test_a_newer_database_that_names_no_oldest_version_is_refused(node):
    note_newer(node, HEAD)
    with node.db.session() as session:
        session.execute(text("DROP TABLE coronode_oldest"))
    with pytest.raises(ConfigurationError, match="newer"):
        node.db.migrate()


@pytest.mark.parametrize("wrong", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "oracle+nodriver://x/y"])
def test_an_unusable_url_is_a_configuration_error(wrong):
    with pytest.raises(ConfigurationError, match="database_url"):
        Database.open(wrong)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("user:secret@host", "its form or kind is unknown"),
        ("nosuch://user:secret@host/name", "its form or kind is unknown"),
        ("oracle+cx_oracle://user:secret@host/name", "its driver cx_Oracle is missing"),
    ],
)
def test_what_is_wrong_with_a_url_is_told_without_its_password(wrong, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        Database.open(wrong)
    assert "secret" not in str(caught.value)
    assert "Error" not in str(caught.value)


def test_a_server_that_does_not_answer_may_be_about_to_start():
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://user:secret@127.0.0.1:{nobody.getsockname()[1]}/name"
        with pytest.raises(Transient, match="database_url: cannot open the database") as caught:
            Database.open(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_folder_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="database_url"):
        Database.open(f"sqlite:///{tmp_path / 'file' / 'index.db'}")


def test_an_exception_rolls_back(node):
    def fail():
        with node.db.session() as session:
            audit.record(session, NOON, "lost")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    audit.record(node.db, NOON, "kept")
    assert [event.kind for event in audit.list_events(node.db)] == ["kept"]


def test_threads_and_processes_that_read_and_then_write_lose_nothing(node):
    audit.record(node.db, NOON, "count", "0")
    # A second Database shares no lock with the first, as in another process.
    other = Database.open(node.db.engine.url.render_as_string())

    def count_up(number):
        for _ in range(10):
            with (node.db, other)[number % 2].session() as session:
                last = session.scalar(select(AuditRow.text).order_by(AuditRow.id.desc()).limit(1))
                audit.record(session, NOON, "count", str(int(last) + 1))

    try:
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(count_up, range(12)))
    finally:
        other.close()
    assert audit.list_events(node.db, limit=1)[0].text == "120"


def test_a_writer_of_another_connection_is_waited_for(node):
    held, done = threading.Event(), []

    def hold():
        with node.db.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            held.set()
            threading.Event().wait(0.3)
            connection.execute(
                insert(AuditRow).values(
                    at=NOON, kind="first", series_instance_uid="", sop_instance_uid="", peer_ae="", text=""
                )
            )
            connection.commit()
            done.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    audit.record(node.db, NOON, "second")
    done.append("second")
    thread.join()
    assert done == ["first", "second"]


def test_a_database_held_too_long_is_transient(node, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    with node.db.session(), pytest.raises(Transient, match="busy"), node.db.session():
        pass


def test_a_reader_sees_one_state_and_holds_no_writer_up(node):
    with node.db.reading() as session:
        before = session.scalars(select(AuditRow)).all()
        audit.record(node.db, NOON, "meanwhile")
        assert session.scalars(select(AuditRow)).all() == before == []


def test_times_keep_their_moment_and_need_a_zone(node):
    local = datetime(2024, 5, 1, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    audit.record(node.db, local, "here")
    (event,) = audit.list_events(node.db)
    assert event.at == local
    assert event.at.utcoffset() == timedelta(0)
    with pytest.raises(StatementError, match="zone"):
        audit.record(node.db, datetime(2024, 5, 1), "nowhere")  # noqa: DTZ001


def test_audit_events_come_newest_first_and_by_series(node):
    audit.record(node.db, NOON, "a", series_instance_uid="1.2")
    audit.record(node.db, NOON, "b", "words", series_instance_uid="1.3", sop_instance_uid="1.3.1", peer_ae="SCANNER")
    assert [event.kind for event in audit.list_events(node.db)] == ["b", "a"]
    (event,) = audit.list_events(node.db, series_instance_uid="1.3", kind="b")
    assert event == audit.Event(NOON, "b", "1.3", "1.3.1", "SCANNER", "words", id=2)
