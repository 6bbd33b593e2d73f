"""Files and folders of the node are closed to others, those of others are left and named."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from config.settings import Settings
from scp import privacy
from scp.privacy import Closed, close_to_others, list_open
from storage.database.opening import open_database


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder as an administrator and earlier versions leave it, and what does not belong to the node."""
    data = tmp_path / "data"
    below = data / "objects" / "instances" / "ab"
    below.mkdir(parents=True)
    for name in ("coronode.sqlite", "coronode.sqlite-wal", "coronode.sqlite-shm", "coronode.lock", "coronode.toml"):
        (data / name).write_bytes(b"")
    (below / "x.dcm").write_bytes(b"patient")
    (data / "objects" / "quarantine").mkdir()
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    (below / "link").symlink_to(outside)
    for path in (tmp_path, *tmp_path.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return data


def settings(folder: Path, **storage: object) -> Settings:
    return Settings(node={"data_dir": folder}, storage=storage)


def test_a_folder_that_was_there_before_is_closed(folder):
    assert folder in list_open(settings(folder))
    closed = close_to_others(settings(folder))
    assert closed == Closed(10, ())
    paths = [folder, *folder.rglob("*")]
    left = {path.name for path in paths if not path.is_symlink() and mode(path) & 0o077}
    assert left == {"coronode.toml"}  # not a file of the node's, and inside a closed folder
    assert (mode(folder), mode(folder / "coronode.sqlite")) == (0o700, 0o600)
    assert mode(folder.parent / "outside") == 0o644
    assert mode(folder.parent) == 0o755
    assert list_open(settings(folder)) == []
    assert close_to_others(settings(folder)) == Closed(0, ())


def test_objects_and_database_elsewhere_are_closed_and_their_surroundings_left(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "objects").mkdir(parents=True)
    file = elsewhere / "index.db"
    file.write_bytes(b"")
    for path, bits in ((elsewhere, 0o755), (elsewhere / "objects", 0o755), (file, 0o664)):
        path.chmod(bits)
    chosen = settings(folder, database_url=f"sqlite:///{file}", blobs_url=f"file://{elsewhere / 'objects'}")
    assert set(list_open(chosen)) == {folder, folder / "coronode.lock", elsewhere / "objects", file}
    close_to_others(chosen)
    assert (mode(elsewhere), mode(elsewhere / "objects"), mode(file)) == (0o755, 0o700, 0o600)


def test_what_belongs_to_another_user_is_left_and_named(folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    closed = close_to_others(settings(folder))
    assert (closed.count, mode(folder)) == (0, 0o755)
    assert folder in closed.left
    assert folder / "objects/instances/ab/x.dcm" in closed.left


def test_a_folder_that_everybody_shares_is_left_open(folder):
    folder.chmod(0o1777)
    closed = close_to_others(settings(folder))
    assert closed.left == (folder,)
    assert mode(folder / "coronode.sqlite") == 0o600


def test_an_interruption_begins_again(folder, monkeypatch):
    whole, count = Path.chmod, 0

    def stop(path, bits):
        nonlocal count
        count += 1
        if count == 7:
            raise KeyboardInterrupt
        whole(path, bits)

    monkeypatch.setattr(Path, "chmod", stop)
    with pytest.raises(KeyboardInterrupt):
        close_to_others(settings(folder))
    monkeypatch.undo()
    close_to_others(settings(folder))
    assert mode(folder / "objects/instances/ab/x.dcm") == 0o600


def test_a_database_is_made_for_its_user_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        database = open_database(settings(tmp_path / "new"))
        with database.session() as session:
            session.connection().exec_driver_sql("DELETE FROM audit")
            modes = {path.name: mode(path) for path in (tmp_path / "new").iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("coronode.sqlite", "coronode.sqlite-wal", "coronode.sqlite-shm"), 0o600)
    assert mode(tmp_path / "new") == 0o700


def test_what_a_process_creates_is_its_own(tmp_path):
    privacy.create_closed()
    (tmp_path / "x").write_text("")
    assert mode(tmp_path / "x") == 0o600
