import json
import re
import socket
import tomllib
from datetime import UTC, datetime

import pytest

from config.settings import Settings
from dicom.commitment import CommitmentRequest, Reference
from scp.lock import DataLock
from storage.commitments import changes
from storage.database.opening import open_database


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[node]\nprot = 1", ["site.toml", "node.prot", "did you mean 'port'"]),
        ("[node]\nport = 0.5", ["site.toml", "node.port"]),
        ("[results]\ndestinations = ['PAX']", ["results.destinations", "'PAX'"]),
        (None, ["site.toml", "cannot be read"]),
    ],
)
@pytest.mark.parametrize("command", [("serve",), ("config", "check"), ("doctor",), ("series", "list"), ("echo", "X")])
def test_wrong_configuration_is_exit_2_and_one_line(coronode, tmp_path, command, text, words):
    if text is not None:
        (tmp_path / "site.toml").write_text(text)
    ended = coronode(*command, "--config", "site.toml")
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1
    assert all(word in ended.err for word in words)


def test_port_in_use_is_exit_2_and_says_where(coronode, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "coronode.toml").write_text(f"[node]\nport = {taken.getsockname()[1]}\n")
        ended = coronode("serve")
    assert ended.code == 2
    assert "node.port" in ended.err.splitlines()[-1]
    assert "cannot listen" in ended.err


def test_an_engine_that_is_not_installed(coronode, tmp_path):
    (tmp_path / "coronode.toml").write_text("[scoring]\nengine = 'mine'\n")
    for command in (("config", "check"), ("serve",)):
        ended = coronode(*command)
        assert ended.code == 2
        assert "scoring.engine: there is no engine named 'mine'; installed: default" in ended.err


def test_config_init_writes_what_check_and_show_take(coronode, tmp_path):
    assert coronode("config", "init").code == 0
    assert coronode("config", "check").code == 0
    shown = coronode("config", "show").out
    assert Settings.model_validate(tomllib.loads(shown)) == Settings()
    assert Settings.model_validate(json.loads(coronode("config", "show", "--json").out)) == Settings()
    again = coronode("config", "init")
    assert again.code == 1
    assert "already exists" in again.err


class TestPeers:
    def configure(self, tmp_path, port):
        (tmp_path / "coronode.toml").write_text(
            f'[peers.PACS]\nae_title = "PACS"\nhost = "127.0.0.1"\nport = {port}\n[node]\nacse_timeout = 3\n'
        )

    def test_unknown_peer_names_those_there_are(self, coronode, tmp_path):
        self.configure(tmp_path, 104)
        ended = coronode("echo", "PAX")
        assert ended.code == 2
        assert "'PAX'" in ended.err
        assert "PACS" in ended.err

    def test_peer_that_is_down(self, coronode, tmp_path):
        self.configure(tmp_path, free_port())
        ended = coronode("echo", "pacs")
        assert ended.code == 1
        assert "no connection" in ended.err

    def test_sending_nothing(self, coronode, tmp_path):
        self.configure(tmp_path, 104)
        (tmp_path / "notes.txt").write_text("no image")
        ended = coronode("send", "PACS", ".")
        assert ended.code == 1
        assert "no DICOM file" in ended.err


class TestOperating:
    @pytest.fixture(autouse=True)
    def _index(self, tmp_path):
        open_database(Settings(node={"data_dir": tmp_path / "coronode-data"})).close()

    def test_a_folder_where_no_node_ran_is_not_taken_for_an_empty_one(self, coronode, tmp_path, monkeypatch):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        ended = coronode("series", "list")
        assert ended.code == 2
        assert "no node has run here" in ended.err
        assert not list((tmp_path / "elsewhere").iterdir())

    def test_empty_lists(self, coronode):
        assert coronode("series", "list").code == 0
        assert coronode("outbox", "list").code == 0
        assert "there is no dead delivery" in coronode("outbox", "retry", "--all").out
        assert coronode("outbox", "commitments", "list").code == 0
        assert "no commitment is dead or waiting" in coronode("outbox", "commitments", "retry", "--all").out

    @pytest.mark.parametrize("command", [("series", "list"), ("outbox", "list"), ("outbox", "commitments", "list")])
    def test_a_state_that_does_not_exist_names_those_that_do(self, coronode, command):
        ended = coronode(*command, "--state", "lost")
        assert ended.code == 2
        assert "allowed:" in ended.err

    @pytest.mark.parametrize(
        "command", [("series", "show", "1.2"), ("series", "rescore", "1.2"), ("outbox", "retry", "9")]
    )
    def test_what_is_not_there_is_said_in_one_line(self, coronode, command):
        ended = coronode(*command)
        assert ended.code == 1
        assert re.search(r"no (series|delivery)", ended.err)
        assert len(ended.err.strip().splitlines()) == 1

    def test_retry_needs_numbers_or_all(self, coronode):
        assert coronode("outbox", "retry").code == 2
        assert coronode("outbox", "retry", "1", "--all").code == 2
        assert coronode("outbox", "commitments", "retry").code == 2
        assert coronode("outbox", "commitments", "retry", "1", "--all").code == 2


class TestCommitments:
    """A request that waits for a peer that cannot be called, and a document that nobody has committed to."""

    @pytest.fixture(autouse=True)
    def _owed(self, tmp_path):
        now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        database = open_database(Settings(node={"data_dir": tmp_path / "coronode-data"}))
        request = CommitmentRequest("1.2.7", (Reference("1.2.840.10008.5.1.4.1.1.2", "1.2.3"),))
        asked = changes.enter(database, request, "CT1", "10.0.0.1", now, due_at=now)
        changes.claim(database, asked.id, now)
        changes.mark_proved(database, asked.id, [(request.references[0], 0x0112)], now)
        changes.mark_waiting(database, asked.id, now, error="cannot be called")
        database.close()

    def test_are_listed_and_retried(self, coronode):
        (listed,) = json.loads(coronode("outbox", "commitments", "list", "--state", "waiting", "--json").out)
        assert (listed["peer"], listed["host"], listed["transaction_uid"]) == ("CT1", "10.0.0.1", "1.2.7")
        assert (listed["objects"], listed["not_committed"], listed["last_error"]) == (1, 1, "cannot be called")
        assert "cannot be called" in coronode("outbox", "commitments", "list").out
        assert "commitment 1 (for CT1) is pending" in coronode("outbox", "commitments", "retry", "--all").out
        ended = coronode("outbox", "commitments", "retry", "1")
        assert (ended.code, "is pending; it must be dead or waiting" in ended.err) == (1, True)

    def test_doctor_tells_of_those_that_were_not_answered(self, coronode):
        told = coronode("doctor").out
        assert "!!  commitments:   1 request of a peer could not be answered" in told
        coronode("outbox", "commitments", "retry", "1")
        assert "ok  commitments:" in coronode("doctor").out


class TestDoctor:
    def test_finds_what_is_missing(self, coronode, tmp_path):
        (tmp_path / "coronode.toml").write_text(f"[node]\nport = {free_port()}\nreserve_mb = 0\n")
        ended = coronode("doctor")
        assert ended.code == 1
        assert "BAD peers" in ended.out
        assert "ok  port" in ended.out
        assert "ok  database" in ended.out

    def test_peer_that_is_down(self, coronode, tmp_path):
        (tmp_path / "coronode.toml").write_text(
            f'[node]\nport = {free_port()}\nreserve_mb = 0\nacse_timeout = 3\n[results]\ndestinations = ["PACS"]\n'
            f'[peers.PACS]\nae_title = "PACS"\nhost = "127.0.0.1"\nport = {free_port()}\n'
        )
        ended = coronode("doctor")
        assert ended.code == 1
        assert "BAD peer PACS" in ended.out


@pytest.mark.parametrize("runs", [True, False])
def test_doctor_tells_the_running_node_from_a_stranger_on_its_port(coronode, runs, tmp_path):
    node = DataLock(tmp_path / "data")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        (tmp_path / "coronode.toml").write_text(f"[node]\nport = {port}\ndata_dir = 'data'\nreserve_mb = 0\n")
        if runs:
            node.acquire()
        listed = json.loads(coronode("doctor", "--json").out)
        node.release()
    checks = {each["check"]: each["ok"] for each in listed}
    assert checks["port"] == runs
