"""Files appear whole or not at all, and only inside the store."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Rejected
from config.settings import Settings
from storage.objects.files import Files
from storage.objects.header import instance_name
from storage.objects.opening import open_files

NAME = instance_name("1.2", "1.2.3", "1.2.3.4", "ab" * 32)
KILLED = """
import os, signal, sys
from pathlib import Path
from storage.objects.files import Files
files = Files(Path(sys.argv[1]))
with files.incoming() as file:
    file.write(b"half" * 10000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "store")


def whole(files):
    return [path for path in files.root.rglob("[!.]*") if path.is_file()]


def test_a_committed_file_has_the_bytes_and_the_digest(files):
    with files.incoming("1.2.840.10008.1.2.1") as file:
        file.preface(b"meta of this sender")
        file.write(b"data ")
        file.write(memoryview(b"set"))
        assert not files.path(NAME).exists()
        stored = file.commit(NAME)
    assert files.path(stored.path).read_bytes() == b"meta of this senderdata set"
    assert stored.size == len(b"meta of this senderdata set")
    assert stored.sha256 == hashlib.sha256(b"1.2.840.10008.1.2.1" + b"data set").hexdigest()
    assert whole(files) == [files.path(NAME)]


def test_an_abandoned_file_vanishes(files):
    def break_off():
        with files.incoming() as file:
            file.write(b"half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert whole(files) == []


def test_file_and_folders_are_synchronised_in_order(files, monkeypatch):
    steps = []
    fdatasync, replace, fsync = os.fdatasync, os.replace, os.fsync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (steps.append("data"), fdatasync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("rename"), replace(a, b))[1])
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append("folder"), fsync(fd)))
    files.write(b"x", NAME)
    # Four new folders, each made durable in its parent, stand between the data and the rename.
    assert steps == ["data", "folder", "folder", "folder", "rename", "folder"]


def test_a_folder_that_another_has_just_made_is_synchronised_before_it_is_relied_on(files, monkeypatch):
    """The other may not have come to that yet: a power cut would take the folder away, and the file with it."""
    files.path(NAME).parent.mkdir(parents=True)
    synchronised = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (synchronised.append(Path(f"/proc/self/fd/{fd}").readlink()), fsync(fd))
    )
    for name in (NAME, NAME.replace("-", "-0")):
        files.write(b"x", name)
    top = files.root / "instances"
    below = [folder for folder in files.path(NAME).parents if folder.is_relative_to(top)]
    assert synchronised == [*reversed(below[1:]), below[0], below[0]]


def test_a_store_makes_its_own_name_durable(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), fsync(fd)))
    root = tmp_path / "data/objects"
    settings = Settings(node={"data_dir": tmp_path / "data"})
    for _ in range(2):  # made, and found
        synced.clear()
        open_files(settings).close()
        assert {root, root.parent} <= set(synced)
    assert (root / "instances").is_dir()


def test_an_object_whose_folder_was_deleted_makes_it_anew(files):
    files.write(b"x", NAME)
    files.remove(NAME)
    files.drop_folder(NAME)
    assert not files.path(NAME).parent.exists()
    files.write(b"y", NAME)
    assert files.path(NAME).read_bytes() == b"y"


def test_relaxed_files_are_not_synchronised(tmp_path, monkeypatch):
    files = Files(tmp_path / "store", durable=False)
    steps = []
    files.make_folder(files.path(NAME).parent)  # which is made once, and durably
    for name in ("fdatasync", "fsync"):
        monkeypatch.setattr(os, name, steps.append)
    stored = files.write(b"x", NAME)
    files.sync([stored.path])
    assert steps == []
    assert files.path(NAME).read_bytes() == b"x"


def test_a_settled_file_is_synchronised_with_others_of_its_folder(files, monkeypatch):
    folders = []
    fsync = os.fsync
    names = [instance_name("1.2", "1.2.3", f"1.2.3.{number}", "ab" * 32) for number in range(3)]
    stored = []
    for name in names:
        with files.incoming() as file:
            file.write(b"x")
            stored.append(file.settle(name))
    monkeypatch.setattr(os, "fsync", lambda fd: (folders.append(Path(f"/proc/self/fd/{fd}").readlink()), fsync(fd)))
    files.sync(item.path for item in stored)
    assert folders == [files.path(names[0]).parent]


def test_kill_between_write_and_rename_leaves_nothing_visible(tmp_path):
    root = tmp_path / "store"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    files = Files(root)
    assert not list((root / "instances").rglob("*"))
    assert len(whole(files)) == 1
    assert files.sweep() == 1
    assert whole(files) == []
    assert files.sweep() == 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("step", ["open", "write", "sync", "rename"])
def test_a_disk_that_does_not_take_it_tells_the_sender(files, monkeypatch, step, code):
    def refuse(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    target, name = {
        "open": (os, "open"),
        "write": (os, "write"),
        "sync": (os, "fdatasync"),
        "rename": (os, "replace"),
    }[step]

    def attempt():
        with files.incoming() as file:
            file.write(b"x" * 100_000)
            file.commit(NAME)

    monkeypatch.setattr(target, name, refuse)
    with pytest.raises(Rejected) as refused:
        attempt()
    monkeypatch.undo()
    assert refused.value.status == 0xA700
    assert len(refused.value.reason) <= 64
    assert ("full" in refused.value.reason) == (code in (errno.ENOSPC, errno.EDQUOT))
    assert whole(files) == []


@given(st.tuples(st.text(), st.text(), st.text()), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_no_uid_names_a_place_outside(uids, digest):
    name = instance_name(*uids, digest)
    assert name.startswith("instances/")
    assert ".." not in name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789/-.")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "instances/../../x", "", "."])
def test_a_name_that_leads_out_is_an_error(files, name):
    with pytest.raises(ValueError, match="inside the store"):
        files.path(name)


def test_a_link_cannot_lead_out(files, tmp_path):
    (files.root / "instances" / "link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="inside the store"):
        files.path("instances/link/x.dcm")


def test_quarantine_moves_and_may_be_repeated(files):
    files.write(b"other", NAME)
    first = files.quarantine(NAME)
    assert files.path(first).read_bytes() == b"other"
    assert first.startswith("quarantine/")
    assert not files.path(NAME).exists()
    assert files.quarantine(NAME) == first
    with pytest.raises(Rejected):
        files.quarantine("instances/never-there.dcm")


def test_remove_and_free_bytes(files):
    files.write([b"a", b"b"], NAME)
    assert files.path(NAME).read_bytes() == b"ab"
    files.remove(NAME)
    files.remove(NAME)
    assert whole(files) == []
    assert 0 < files.free_bytes() < 2**60


def test_a_disk_that_is_away_is_a_refusal_and_nothing_is_made_in_its_place(files):
    away = files.root.with_name("away")
    with files.incoming() as begun:
        begun.write(b"half")
        files.root.rename(away)
        with pytest.raises(Rejected) as refused:
            begun.commit(NAME)
        assert refused.value.status == 0xA700
        with pytest.raises(Rejected):
            files.begin()
        with pytest.raises(Rejected):
            files.free_bytes()
        assert not files.root.exists()
        away.rename(files.root)
    files.write(b"later", NAME)
    assert files.path(NAME).read_bytes() == b"later"


def test_a_half_written_file_whose_disk_is_replaced_is_given_up(files):
    begun = files.begin()
    (files.root / "incoming").rename(files.root / "away")
    (files.root / "incoming").touch()
    begun.discard()
    assert (files.root / "away" / begun.path.parent.name / begun.path.name).exists()


def test_files_are_private(files):
    stored = files.write(b"patient", NAME)
    assert files.path(stored.path).stat().st_mode & 0o077 == 0
