"""Databases that released versions left are upgraded, dry run first, and what they hold means the same.

`released/0.1.0.sqlite.xz` was made by that version itself, which received one synthetic patient: one series scored and
not delivered, one not scorable, one object in quarantine.
"""

import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.errors import ConfigurationError, Permanent
from storage.backup.index import copy_index
from storage.database.engine import Database
from storage.migrations import HEAD
from storage.migrations.planning import plan_upgrade, try_upgrade
from storage.outbox.deliveries import DeliveryState, list_deliveries
from storage.series import states
from storage.series.quarantine import list_quarantined

RELEASED = sorted(Path(__file__).parent.glob("released/*.sqlite.xz"))


@pytest.fixture(params=RELEASED, ids=lambda path: path.name.removesuffix(".sqlite.xz"))
def released(request, tmp_path):
    file = tmp_path / "index.sqlite"
    file.write_bytes(lzma.decompress(request.param.read_bytes()))
    database = Database.open(f"sqlite:///{file}")
    yield database
    database.close()


def read_tables(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as index:
        names = [name for (name,) in index.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: index.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608


def test_there_is_one_of_each_release(request):
    changelog = (request.config.rootpath / "CHANGELOG.md").read_text()
    releases = {line.split("]")[0][4:] for line in changelog.splitlines() if line.startswith("## [")} - {"Unreleased"}
    assert {path.name.removesuffix(".sqlite.xz") for path in RELEASED} == releases


def test_a_dry_run_changes_nothing(released, tmp_path):
    file = tmp_path / "index.sqlite"
    before = read_tables(file)
    plan = plan_upgrade(released)
    assert plan.steps[-1][0] == HEAD
    assert all(words for _, words in plan.steps)
    assert plan.room_bytes > plan.index_bytes > 0
    assert try_upgrade(lambda copy: copy_index(released, copy, list), tmp_path) > 0
    assert read_tables(file) == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_what_it_holds_means_the_same(released):
    released.migrate()
    assert plan_upgrade(released).steps == ()
    held = {item.state: item for item in states.list_series(released)}
    assert held.keys() == {"kept", "not_scorable", "scored"}
    (delivery,) = list_deliveries(released)
    assert delivery.series_instance_uid == held["scored"].series_instance_uid
    assert (delivery.state, delivery.destination) == (DeliveryState.PENDING, "PACS")
    (aside,) = list_quarantined(released)
    assert aside.reason == "other_bytes"


def test_tables_of_a_newer_version_are_refused(released, tmp_path):
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as index:
        index.execute("UPDATE coronode_version SET version_num = '9999'")
        index.commit()
    with pytest.raises(ConfigurationError, match="9999"):
        plan_upgrade(released)


def test_an_empty_database_has_no_plan(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'new.sqlite'}")
    with pytest.raises(Permanent, match="no tables"):
        plan_upgrade(database)
    database.close()
