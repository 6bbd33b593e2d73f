import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from scp.lock import DataLock


def test_a_folder_has_one_node_at_a_time(tmp_path):
    first, second = DataLock(tmp_path / "data"), DataLock(tmp_path / "data")
    first.acquire()
    with pytest.raises(ConfigurationError, match="another node is running"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_dead_process_leaves_no_lock(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from scp.lock import DataLock;"
        "DataLock(Path(sys.argv[1])).acquire(); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path], check=False, timeout=60)
    assert ended.returncode == -9
    lock = DataLock(tmp_path)
    lock.acquire()
    lock.release()


def test_the_folder_itself_survives_a_power_cut(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), fsync(fd)))
    for _ in range(2):  # made, and found
        synced.clear()
        lock = DataLock(tmp_path / "site/data")
        lock.acquire()
        lock.release()
        assert tmp_path / "site" in synced


def test_a_parent_that_is_closed_to_us_is_left_to_others(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("storage.objects.disk.sync_folder", refuse)
    lock = DataLock(tmp_path)
    lock.acquire()
    assert lock.is_held()
    lock.release()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"node\.data_dir: cannot write"):
        DataLock(tmp_path / "file" / "data").acquire()


def test_whether_a_node_runs_is_told_without_a_trace(tmp_path):
    folder = tmp_path / "data"
    assert not DataLock(folder).is_held()
    assert not folder.exists()
    node = DataLock(folder)
    node.acquire()
    assert DataLock(folder).is_held()
    node.release()
    assert not DataLock(folder).is_held()
    node.acquire()
    node.release()
