"""Objects in a bucket: backed up, verified, repaired and restored as those of a folder are."""

import secrets
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from config.errors import Permanent, Transient
from config.settings import Settings
from storage.backup import orphans, verifying
from storage.backup.findings import Kind
from storage.backup.repairing import repair
from storage.backup.restoring import restore_backup
from storage.backup.taking import take_backup
from storage.backup.verifying import verify
from storage.database.opening import open_database
from storage.objects.opening import open_files
from storage.retention.erasing import erase
from storage.series import removals, states
from tests.storage.backup.conftest import ABOUT

STRAY = "instances/ab/cd/stray.dcm"


def later() -> float:
    return time.time() + 2 * 3600


def find(node, **options):
    return list(verify(node.db, node.files, clock=later, **options))


@pytest.fixture
def in_bucket(s3_service, tmp_path):
    """Settings of a machine whose objects lie in a part of the bucket of its own."""

    def make(machine):
        storage = s3_service.settings(secrets.token_hex(8))
        return Settings(node={"data_dir": tmp_path / machine}, storage=storage)

    return make


@pytest.fixture
def held(in_bucket, node):
    """A node with three objects and one in quarantine."""
    here = in_bucket("here")
    with closing(open_database(here)) as database:
        made = type(node)(database, open_files(here))
        made.series(3)
        made.store(made.ct(SOPInstanceUID="1.2.1.1.1", ImageComments="another"))
        yield made


def names(node, kind="instances"):
    return sorted(name for name in node.files.list_names() if name.startswith(kind))


def test_an_object_without_a_row_is_an_orphan_once_it_is_old(held):
    assert find(held) == []
    held.files.write(b"stray", STRAY)
    assert [(item.kind, item.name) for item in find(held, quick=True)] == [(Kind.ORPHAN, STRAY)]
    assert list(verify(held.db, held.files, quick=True)) == []


def test_names_are_read_some_at_a_time(held, monkeypatch):
    monkeypatch.setattr(orphans, "_AT_ONCE", 2)
    strays = [f"quarantine/{number}.dcm" for number in range(5)]
    for name in strays:
        held.files.write(b"stray", name)
    assert sorted(item.name for item in find(held, quick=True)) == strays


def test_objects_that_are_about_to_be_deleted_are_no_orphans(held):
    erase(held.db, "1.2.1.1", held.at(5))
    assert len(names(held)) == 3
    assert find(held) == []
    removals.carry_out(held.db, held.files, held.at(6))
    assert names(held) == []


def test_repair_moves_in_the_bucket_and_the_objects_are_taken_again(held):
    missing, damaged, _ = names(held)
    held.files.remove(missing)
    held.files.write(b"damaged", damaged)
    held.files.write(b"stray", STRAY)
    found = find(held)
    assert sorted(item.kind for item in found) == ["damaged", "missing", "orphan"]
    assert repair(held.db, held.files, found, datetime.fromtimestamp(later(), UTC)) == 3
    assert find(held) == []
    lost = {name: held.files.fetch(f"lost+found/{name}").read_bytes() for name in (damaged, STRAY)}
    assert lost == {damaged: b"damaged", STRAY: b"stray"}
    assert states.get(held.db, "1.2.1.1").instance_count == 1
    outcomes = [held.store(held.ct(SOPInstanceUID=f"1.2.1.1.{number}")).outcome for number in (1, 2, 3)]
    assert sorted(outcomes) == ["duplicate", "stored", "stored"]


def test_a_quick_check_fetches_nothing(held, monkeypatch):
    monkeypatch.delattr(type(held.files), "fetch")
    assert find(held, quick=True) == []
    held.files.remove(names(held)[0])
    monkeypatch.undo()
    assert [item.kind for item in find(held, quick=True)] == [Kind.MISSING]


def test_what_is_lost_twice_is_kept_twice(held):
    for content in (b"one", b"two"):
        held.files.write(content, STRAY)
        assert held.files.set_aside(STRAY)
    assert not held.files.set_aside(STRAY)
    found = [held.files.fetch(f"lost+found/{STRAY}{suffix}").read_bytes() for suffix in ("", ".1")]
    assert found == [b"one", b"two"]


def test_a_service_that_goes_away_meanwhile_is_not_a_loss(held, monkeypatch, s3_service):
    read = verifying._read_rows

    def leave(*arguments):
        s3_service.kill()
        return read(*arguments)

    monkeypatch.setattr(verifying, "_read_rows", leave)
    try:
        with pytest.raises(Transient, match="does not answer"):
            find(held)
    finally:
        s3_service.start()
    monkeypatch.undo()
    assert find(held) == []


def test_a_backup_is_restored_into_another_bucket(held, in_bucket, tmp_path):
    taken = take_backup(held.db, held.files, tmp_path / "backup", ABOUT, now=lambda: held.at(0))
    assert (taken.objects, taken.missing) == (4, 0)
    there = in_bucket("there")
    restored = restore_backup(tmp_path / "backup", there)
    assert restored.place == there.storage.blobs_url
    with closing(open_database(there)) as database:
        assert list(verify(database, open_files(there), clock=later)) == []


def test_a_restore_goes_into_an_empty_bucket_alone(held, in_bucket, tmp_path):
    take_backup(held.db, held.files, tmp_path / "backup", ABOUT, now=lambda: held.at(0))
    there = in_bucket("there")
    files = open_files(there)
    files.write(b"somebody's", STRAY)
    with pytest.raises(Permanent, match="empty bucket"):
        restore_backup(tmp_path / "backup", there)
    files.remove(STRAY)
    restore_backup(tmp_path / "backup", there)
