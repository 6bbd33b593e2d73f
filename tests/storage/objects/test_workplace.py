"""Files that are not whole lie apart, process by process, and only those of the dead are swept."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from storage.objects.files import Files
from storage.objects.workplace import is_nobody

WRITER = """
import sys, time
from pathlib import Path
from storage.objects.files import Files
file = Files(Path(sys.argv[1]), owner=sys.argv[2]).begin()
file.write(b"half")
print(file.path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def neighbour(root):
    """Another process that is writing into the same folder, and its file."""
    with subprocess.Popen([sys.executable, "-c", WRITER, root, "other"], stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_what_a_living_neighbour_writes_stays(root, neighbour):
    process, path = neighbour
    files = Files(root)
    assert files.sweep() == 0
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert os.path.exists(path)  # noqa: PTH110
    assert files.sweep() == 1
    assert not os.path.exists(path)  # noqa: PTH110


def test_a_machine_that_shows_no_lock_is_asked_for(root):
    with Files(root, owner="far").incoming() as file:
        file.write(b"half")
        (file.path.parent / ".lock").unlink()
        files = Files(root)
        assert files.sweep(lambda owner: owner == "far") == 0
        assert file.path.exists()
        assert files.sweep(is_nobody) == 1


def test_own_files_are_never_swept(root):
    files = Files(root)
    with files.incoming() as file:
        assert files.sweep() == 0
        assert file.path.exists()


def test_what_versions_before_left_is_swept(root):
    files = Files(root)
    (root / "incoming" / "ab12").write_bytes(b"half")
    assert files.sweep() == 1
    assert files.sweep() == 0


def test_a_folder_that_vanished_is_made_again(root):
    files = Files(root)
    with files.incoming() as file:
        file.write(b"x")
        file.commit("instances/a/b/c.dcm")
    for place in (root / "incoming").iterdir():
        (place / ".lock").unlink()
        place.rmdir()
    files.write(b"y", "instances/a/b/d.dcm")
    assert sorted(files.list_names()) == ["instances/a/b/c.dcm", "instances/a/b/d.dcm"]


def has_lock(root):
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the descriptor that listed them
            if descriptor.readlink().is_relative_to(root / "incoming"):
                return True
    return False


def test_the_lock_is_let_go_by_close(root):
    files = Files(root)
    files.write(b"x", "instances/a/b/c.dcm")
    assert has_lock(root)
    files.close()
    assert not has_lock(root)


def test_the_lock_goes_with_who_held_it(root):
    files = Files(root)
    files.write(b"x", "instances/a/b/c.dcm")
    assert has_lock(root)
    del files
    gc.collect()
    assert not has_lock(root)
