"""The index says of when the last whole backup is; one that was restored claims none."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text

from config.errors import Transient
from storage.backup import taking
from storage.backup.checking import check_backup
from storage.backup.noting import Noted, find_backup, note_backup
from storage.backup.restoring import restore_backup
from storage.database.opening import open_database


def test_a_node_without_a_backup_is_known(node):
    assert find_backup(node.db) is None


def test_the_last_backup_counts(node, back_up):
    node.series(1)
    back_up()
    assert find_backup(node.db) == Noted(node.at(0), node.at(0))
    note_backup(node.db, Noted(node.at(86400), node.at(90000)))
    assert find_backup(node.db).ended_at - find_backup(node.db).taken_at == timedelta(hours=1)


def test_one_that_lacks_objects_does_not_count(node, back_up):
    node.series(2)
    next(node.files.root.rglob("*.dcm")).unlink()
    back_up()
    assert find_backup(node.db) is None


def test_one_that_is_broken_off_does_not_count(node, back_up, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(taking.Manifest, "write", fail)
    with pytest.raises(OSError, match="No space"):
        back_up()
    assert find_backup(node.db) is None


def test_a_restored_index_claims_no_backup(node, back_up, tmp_path, elsewhere):
    node.series(1)
    back_up()
    back_up()  # the index of this one had the note of the first
    restore_backup(tmp_path / "backup", elsewhere)
    with closing(open_database(elsewhere)) as database:
        assert find_backup(database) is None


def test_tables_of_an_earlier_version_are_backed_up_without_a_note(node, back_up, tmp_path):
    with node.db.session() as session:
        session.execute(text("DROP TABLE backups"))
        session.execute(text("UPDATE coronode_version SET version_num = '0022'"))
    back_up()
    assert check_backup(tmp_path / "backup").damaged == 0


def test_an_index_that_does_not_take_the_note_leaves_a_whole_backup(node, back_up, tmp_path, monkeypatch):
    def refuse(*_):
        raise Transient("the database is busy")

    monkeypatch.setattr(taking, "note_backup", refuse)
    with pytest.raises(Transient, match="the backup is whole"):
        back_up()
    assert check_backup(tmp_path / "backup").damaged == 0
