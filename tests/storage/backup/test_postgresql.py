"""A PostgreSQL index: a dump of one snapshot, loaded into an empty database in whole."""

from contextlib import closing

import pytest

from config.errors import ConfigurationError, Permanent
from config.settings import Settings
from storage.backup import index
from storage.backup.noting import find_backup
from storage.backup.restoring import restore_backup
from storage.backup.taking import take_backup
from storage.backup.verifying import verify
from storage.database.opening import open_database
from storage.objects.opening import open_files
from storage.series import states
from tests.storage.backup.conftest import ABOUT


@pytest.fixture
def machine(postgresql_cluster, tmp_path):
    """Make a machine with an empty database of its own."""
    urls = []

    def make() -> Settings:
        urls.append(postgresql_cluster.make_database())
        return Settings(node={"data_dir": tmp_path / str(len(urls))}, storage={"database_url": urls[-1]})

    yield make
    for url in urls:
        postgresql_cluster.drop_database(url)


@pytest.fixture
def taken(machine, node, tmp_path):
    """The backup of a node that holds one series."""
    here = machine()
    with closing(open_database(here)) as database:
        held = type(node)(database, open_files(here))
        held.series(3)
        take_backup(database, held.files, tmp_path / "backup", ABOUT, now=lambda: held.at(0))
    return here


def test_it_is_restored_into_an_empty_database(machine, taken, tmp_path):
    there = machine()
    assert restore_backup(tmp_path / "backup", there).manifest.database == "postgresql"
    with closing(open_database(there)) as database:
        assert list(verify(database, open_files(there))) == []
        assert [item.instance_count for item in states.list_series(database)] == [3]


def test_a_restored_index_claims_no_backup(machine, taken, node, tmp_path):
    with closing(open_database(taken)) as database:
        assert find_backup(database).taken_at == node.at(0)
        take_backup(database, open_files(taken), tmp_path / "backup", ABOUT, now=lambda: node.at(9))
    there = machine()
    restore_backup(tmp_path / "backup", there)
    with closing(open_database(there)) as database:
        assert find_backup(database) is None


def test_a_database_in_use_is_refused(machine, taken, tmp_path):
    there = machine()
    open_database(there).close()
    with pytest.raises(Permanent, match="is not empty"):
        restore_backup(tmp_path / "backup", there)


def test_what_comes_during_the_dump_is_not_in_the_list(machine, node, tmp_path, monkeypatch):
    here = machine()
    with closing(open_database(here)) as database:
        held = type(node)(database, open_files(here))
        held.series(2)
        dump = index._run_program

        def receiving(*arguments):
            held.series(1, "1.2.1.9")
            dump(*arguments)

        monkeypatch.setattr(index, "_run_program", receiving)
        take_backup(database, held.files, tmp_path / "backup", ABOUT, now=lambda: held.at(0))
        monkeypatch.undo()
        there = machine()
        assert restore_backup(tmp_path / "backup", there).manifest.objects == 2
    with closing(open_database(there)) as database:
        assert [item.instance_count for item in states.list_series(database)] == [2]


def test_a_missing_program_is_named(machine, node, tmp_path, monkeypatch):
    here = machine()
    monkeypatch.setattr(index.shutil, "which", lambda _: None)
    with closing(open_database(here)) as database, pytest.raises(ConfigurationError, match="postgresql-client"):
        take_backup(database, open_files(here), tmp_path / "backup", ABOUT, now=lambda: node.at(0))
