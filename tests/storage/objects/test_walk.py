"""Names are read while others write and delete."""

import shutil

import pytest

from storage.objects.walk import walk_names


def write(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_every_file_is_named_below_its_kind(tmp_path):
    write(tmp_path, "instances/a/b.dcm", "instances/c.dcm", "quarantine/d.dcm", "incoming/e.dcm")
    found = sorted(walk_names(tmp_path, ("instances", "quarantine")))
    assert found == ["instances/a/b.dcm", "instances/c.dcm", "quarantine/d.dcm"]


def test_a_folder_that_is_dropped_meanwhile_is_no_fault(tmp_path):
    write(tmp_path, "instances/first.dcm", "instances/a/x.dcm", "instances/b/x.dcm")
    names = walk_names(tmp_path, ("instances",))
    assert next(names) == "instances/first.dcm"
    shutil.rmtree(tmp_path / "instances/a")
    assert list(names) == ["instances/b/x.dcm"]


def test_a_store_that_is_away_is_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(walk_names(tmp_path, ("instances",)))
