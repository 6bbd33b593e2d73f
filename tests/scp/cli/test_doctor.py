"""`coronode doctor` beside a running node and without one, as its user and as another."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from config.settings import Settings
from scp.cli import node_findings
from scp.control import ControlSocket
from scp.lock import DataLock
from storage.database.opening import open_database
from tests.scp.conftest import unused_port


@pytest.fixture
def doctor(coronode, tmp_path: Path):
    """Run doctor on a configuration; its exit status, and its findings by check."""

    def run(text: str) -> tuple[int, dict[str, dict[str, object]]]:
        (tmp_path / "coronode.toml").write_text(f"{text}[peers.CT]\nae_title = 'CT'\nhost = '127.0.0.1'\n")
        ended = coronode("doctor", "--json")
        return ended.code, {each["check"]: each for each in json.loads(ended.out)}

    return run


def node_of(port: int, web: int, **keys: object) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join([f"[node]\nport = {port}\ndata_dir = 'data'\nreserve_mb = 0", *lines, f"[web]\nport = {web}", ""])


@pytest.fixture
def running(tmp_path: Path):
    """What a running node shows: its lock, two open ports, an index, and its answer to commands."""
    folder, answer = tmp_path / "data", {"kind": "same", "words": "nothing has changed"}
    lock = DataLock(folder)
    lock.acquire()
    open_database(Settings(node={"data_dir": folder})).close()
    control = ControlSocket(folder, {"compare": lambda: answer})
    control.start()
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as dicom,
        closing(socket.create_server(("127.0.0.1", 0))) as web,
    ):
        yield dicom.getsockname()[1], web.getsockname()[1], answer
    control.stop()
    lock.release()


def test_the_ports_of_a_running_node_are_no_fault(doctor, running):
    port, web, _ = running
    code, found = doctor(node_of(port, web))
    assert code == 0, found
    assert "is in use, and a node runs here" in found["port"]["finding"]
    assert "is in use, and a node runs here" in found["web port"]["finding"]
    assert found["node"]["finding"].endswith("by this configuration")


def test_a_configuration_that_the_node_has_not_read_is_told(doctor, running):
    port, web, answer = running
    answer |= {"kind": "changed", "words": "changed: peers.CT"}
    code, found = doctor(node_of(port, web))
    assert code == 0
    assert found["node"]["warning"]
    assert "changed: peers.CT; coronode config reload takes it up" in found["node"]["finding"]


def test_a_port_that_a_running_node_has_not_opened_is_a_fault(doctor, running):
    _, web, _ = running
    code, found = doctor(node_of(unused_port(), web))
    assert code == 1
    assert "is not open, although a node runs" in found["port"]["finding"]


def test_a_stranger_on_the_port_of_a_stopped_node_is_a_fault(doctor):
    with closing(socket.create_server(("127.0.0.1", 0))) as stranger:
        code, found = doctor(node_of(stranger.getsockname()[1], 0))
    assert code == 1
    assert "stop what listens there" in found["port"]["finding"]


def test_nothing_is_made_where_no_node_has_run(doctor, tmp_path):
    code, found = doctor(node_of(unused_port(), 0))
    assert code == 0
    assert "the node makes it at its first start" in found["database"]["finding"]
    assert [path.name for path in tmp_path.iterdir()] == ["coronode.toml"]


def test_tables_of_an_earlier_version_are_left_as_they_are(doctor, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "coronode.sqlite").touch()
    code, found = doctor(node_of(unused_port(), 0))
    assert code == 0
    assert "its tables are not there yet; the node brings them to" in found["database"]["finding"]
    assert "no such table" not in str(found)


def test_the_folder_of_another_user_is_said_and_nothing_else_is_claimed(doctor, tmp_path, monkeypatch):
    monkeypatch.setattr(node_findings, "find_state", lambda _: "closed")
    monkeypatch.setattr("scp.cli.doctor.find_state", lambda _: "closed")
    with closing(socket.create_server(("127.0.0.1", 0))) as dicom:
        code, found = doctor(node_of(dicom.getsockname()[1], 0))
    assert code == 1
    assert "belongs to another user; run this as the user of the node" in found["node"]["finding"]
    assert found["port"]["ok"]
    assert "database" not in found


def test_a_secret_that_others_can_read_is_a_warning_and_one_that_is_not_there_a_fault(doctor, tmp_path):
    secret = tmp_path / "secret"
    text = (
        node_of(unused_port(), 0) + f"[peers.W]\nurl = 'https://127.0.0.1:1/'\ntoken_file = {json.dumps(str(secret))}\n"
    )
    assert "is not there" in doctor(text)[1]["secret"]["finding"]
    secret.write_text("s3cret\n")
    secret.chmod(0o644)
    found = doctor(text)[1]["secret"]
    assert (found["ok"], found["warning"]) == (True, True)
    assert "s3cret" not in str(found)
