import subprocess
import sys

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
