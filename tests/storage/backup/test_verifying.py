"""Every row against its file, every file against a row; what changes meanwhile is no finding; repairs."""

import errno
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, text

from config.errors import Permanent, Transient
from storage.backup import verifying
from storage.backup.findings import Kind
from storage.backup.repairing import repair
from storage.backup.verifying import verify
from storage.database.audit import list_events
from storage.database.models import InstanceRow
from storage.objects.aside import LOST
from storage.retention.erasing import erase
from storage.series import removals, states
from storage.series.quarantine import list_quarantined

LATER = 2 * 3600.0


def later() -> float:
    return time.time() + LATER


def find(node, **options):
    return list(verify(node.db, node.files, clock=later, **options))


@pytest.fixture
def held(node):
    """A series of three, and an object in quarantine."""
    node.series(3)
    node.store(node.ct(SOPInstanceUID="1.2.1.1.1", ImageComments="another"))
    return node


def objects(node, folder="instances"):
    return sorted((node.files.root / folder).rglob("*.dcm"))


@pytest.mark.parametrize("quick", [False, True])
def test_a_node_is_clean(held, quick):
    assert find(held, quick=quick) == []


@pytest.mark.parametrize("folder", ["instances", "quarantine"])
def test_a_file_that_is_gone_is_missing(held, folder):
    path = objects(held, folder)[0]
    path.unlink()
    (found,) = find(held, quick=True)
    assert (found.kind, found.name) == (Kind.MISSING, path.relative_to(held.files.root).as_posix())


@pytest.mark.parametrize("folder", ["instances", "quarantine"])
def test_a_changed_byte_is_found_unless_it_is_quick(held, folder):
    path = objects(held, folder)[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert [item.kind for item in find(held)] == [Kind.DAMAGED]
    assert find(held, quick=True) == []


def test_a_truncated_file_is_damaged(held):
    path = objects(held)[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert [item.kind for item in find(held, quick=True)] == [Kind.DAMAGED]


def test_a_file_without_a_row_is_an_orphan_once_it_is_old(held):
    (objects(held)[0].parent / "stray.dcm").write_bytes(b"stray")
    assert [item.kind for item in find(held)] == [Kind.ORPHAN]
    assert list(verify(held.db, held.files)) == []


def test_what_comes_and_goes_meanwhile_is_no_finding(held, monkeypatch):
    check = verifying._check_file
    changed = []

    def changing(files, row, **options):
        if not changed:
            changed.append(row.path)
            with held.db.session() as session:
                session.execute(delete(InstanceRow).where(InstanceRow.path == row.path))
            held.files.remove(row.path)
            held.series(2, "1.2.1.7")
        return check(files, row, **options)

    monkeypatch.setattr(verifying, "_check_file", changing)
    assert find(held) == []


def test_a_broken_reference_in_the_index_is_found(held):
    with held.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.execute(text("UPDATE instances SET series_id = 999 WHERE id = 1"))
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    assert [(item.kind, item.about) for item in find(held)] == [(Kind.INDEX, "instances 1")]


def test_tables_of_another_version_are_told_and_not_read(held):
    with held.db.engine.connect() as connection:
        connection.execute(text("UPDATE coronode_version SET version_num = '0001'"))
        connection.commit()
    assert [item.kind for item in find(held)] == [Kind.REVISION]


def test_a_store_that_is_away_is_not_a_loss(held):
    (held.files.root / "instances").rename(held.files.root / "away")
    with pytest.raises(Permanent, match="mounted"):
        find(held)


def test_repair_leaves_a_clean_node_that_takes_the_objects_again(held):
    missing, damaged, _ = objects(held)
    missing.unlink()
    damaged.write_bytes(b"damaged")
    aside = objects(held, "quarantine")[0]
    aside.unlink()
    stray = missing.parent / "stray.dcm"
    stray.write_bytes(b"stray")
    found = find(held)
    assert sorted(item.kind for item in found) == ["damaged", "missing", "missing", "orphan"]
    assert repair(held.db, held.files, found, datetime.fromtimestamp(later(), UTC)) == 4
    assert find(held) == []
    lost = {path.read_bytes() for path in (held.files.root / LOST).rglob("*.dcm")}
    assert lost == {b"damaged", b"stray"}
    assert states.get(held.db, "1.2.1.1").instance_count == 1
    assert list_quarantined(held.db) == []
    assert len(list_events(held.db, kind="lost")) == 3
    outcomes = [held.store(held.ct(SOPInstanceUID=f"1.2.1.1.{number}")).outcome for number in (1, 2, 3)]
    assert sorted(outcomes) == ["duplicate", "stored", "stored"]
    assert find(held) == []


@pytest.fixture
def erased(held):
    """A series of which the rows are gone and the files still to be removed."""
    erase(held.db, "1.2.1.1", held.at(5))
    assert len(objects(held)) == 3
    return held


def test_files_that_are_about_to_be_deleted_are_no_orphans(erased):
    assert find(erased) == []
    assert removals.carry_out(erased.db, erased.files, erased.at(6)).files == 4
    assert find(erased) == []


def test_a_file_that_is_there_although_it_was_removed_is_an_orphan(erased):
    path = objects(erased)[0]
    removals.carry_out(erased.db, erased.files, erased.at(6))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a disk that was put back")
    assert [item.name for item in find(erased)] == [path.relative_to(erased.files.root).as_posix()]


def test_a_store_that_goes_away_meanwhile_is_not_a_loss(held, monkeypatch):
    read = verifying._read_rows

    def leave(*arguments):
        rows = read(*arguments)
        (held.files.root / "instances").rename(held.files.root / "away")
        return rows

    monkeypatch.setattr(verifying, "_read_rows", leave)
    with pytest.raises(Transient, match="disk is away"):
        find(held)


def test_a_file_that_may_not_be_read_is_not_lost(held, monkeypatch):
    name = objects(held)[0].relative_to(held.files.root).as_posix()
    source = verifying.find_source

    def refuse(files, wanted, size):
        if wanted == name:
            raise PermissionError(errno.EACCES, "Permission denied", wanted)
        return source(files, wanted, size)

    monkeypatch.setattr(verifying, "find_source", refuse)
    found = find(held)
    assert [(item.kind, item.name) for item in found] == [(Kind.UNREADABLE, name)]
    assert repair(held.db, held.files, found, datetime.fromtimestamp(later(), UTC)) == 0
    assert (held.files.root / name).exists()


def test_what_has_come_back_before_the_repair_is_left_alone(held):
    path, other, _ = objects(held)
    content = other.read_bytes()
    path.rename(path.with_suffix(".away"))
    other.write_bytes(b"damaged")
    found = find(held, quick=True)
    assert sorted(item.kind for item in found) == ["damaged", "missing", "orphan"]
    path.with_suffix(".away").rename(path)
    other.write_bytes(content)
    assert repair(held.db, held.files, found, datetime.fromtimestamp(later(), UTC)) == 0
    assert find(held) == []


def test_an_orphan_that_has_just_been_written_again_is_left_alone(held):
    stray = objects(held)[0].parent / "stray.dcm"
    stray.write_bytes(b"stray")
    found = find(held)
    assert repair(held.db, held.files, found, datetime.now(UTC)) == 0
    assert stray.exists()
