"""`coronode serve` as a user starts it: no file or folder of the node is open to others, in no process."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.database.opening import open_database

CORONODE = Path(sys.prefix) / "bin" / "coronode"


def open_to_others(folder: Path) -> dict[str, str]:
    found = {path: path.lstat().st_mode for path in (folder, *folder.rglob("*"))}
    return {str(path): oct(stat.S_IMODE(bits)) for path, bits in found.items() if bits & 0o077}


def umasks(process: int) -> set[str]:
    """The umask of a process and of everything that it started."""
    status = Path(f"/proc/{process}/status").read_text()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    own = next(line.split()[1] for line in status.splitlines() if line.startswith("Umask:"))
    return {own}.union(*(umasks(int(child)) for child in children))


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """A node in a process of its own, started with the umask of most shells: its process and its port."""
    (folder / "coronode.toml").write_text(
        "[node]\nport = 0\ndata_dir = 'data'\naccept_unknown_peers = true\nreserve_mb = 0\n[web]\nport = 0\n"
    )
    with subprocess.Popen([CORONODE, "serve"], cwd=folder, stderr=subprocess.PIPE, text=True, umask=0o022) as process:
        assert process.stderr is not None
        try:
            line = next((line for line in process.stderr if "listens on" in line), "")
            assert line
            yield process.pid, int(line.rpartition(":")[2])
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()


@pytest.fixture
def old_folder(tmp_path: Path, configured) -> Path:
    """A data folder that an earlier version and a generous administrator left behind."""
    data = tmp_path / "data"
    open_database(configured({}, folder=data)).close()
    instances = data / "objects" / "instances" / "ab"
    instances.mkdir(parents=True)
    (instances / "x.dcm").write_bytes(b"patient")
    (data / "coronode.lock").touch()
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return data


@pytest.mark.component
@pytest.mark.parametrize("old", [False, True], ids=["new folder", "old folder"])
def test_nothing_is_open_to_others_while_the_node_receives(old, tmp_path, request, patient, scanner_at):
    if old:
        request.getfixturevalue("old_folder")
    with serving(tmp_path) as (process, port):
        assert scanner_at(port).send(patient()[:2]) == [0, 0]
        assert {path.name for path in (tmp_path / "data").iterdir()} >= {"coronode.sqlite", "coronode.sqlite-wal"}
        assert open_to_others(tmp_path / "data") == {}
        assert umasks(process) == {"0077"}
    assert open_to_others(tmp_path / "data") == {}


@pytest.mark.component
def test_commands_leave_nothing_open(tmp_path, old_folder):
    with serving(tmp_path):
        pass
    for command in (("series", "list"), ("quarantine", "list"), ("doctor",), ("outbox", "retry", "--all")):
        ended = subprocess.run(
            [CORONODE, *command], cwd=tmp_path, capture_output=True, text=True, umask=0o022, check=False
        )
        assert ended.returncode in {0, 1}, ended.stderr
    assert open_to_others(old_folder) == {}
