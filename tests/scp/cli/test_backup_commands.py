"""A node is backed up while it works, restored elsewhere, and goes on: what was owed is delivered."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.load import load
from scp.cli import cli
from scp.node import Node
from storage.backup.restoring import MARK
from storage.database.opening import open_database
from storage.outbox.deliveries import DeliveryState, list_deliveries

pytestmark = pytest.mark.component

ROOT = Path(__file__).parents[3]
KILLED_AT = """
import os, signal
from importlib import import_module
from scp.cli import main
setattr(import_module("{module}"), "{name}", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
main()
"""


def run(*arguments: object, code: int = 0) -> str:
    ended = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert ended.exit_code == code, (ended.output, ended.exception)
    return ended.output


def run_killed(module: str, name: str, *arguments: object) -> None:
    """Run a command in a process of its own that is killed where it calls this function."""
    code = KILLED_AT.format(module=module, name=name)
    ended = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def configure(path: Path, data: Path, pacs_port: int) -> Path:
    path.write_text(
        f'[node]\ndata_dir = "{data}"\nport = 0\nreserve_mb = 0\naccept_unknown_peers = true\n'
        f'[peers.PACS]\nae_title = "PACS"\nhost = "127.0.0.1"\nport = {pacs_port}\n'
        "[completion]\nquiet_seconds = 1\n"
        '[results]\ndestinations = ["PACS"]\ndocuments = ["sr"]\nretry_first_seconds = 0.1\nretry_longest_seconds = 1\n'
    )
    return path


@pytest.fixture
def here(undelivered, pacs, tmp_path):
    """The configuration of a node that owes its PACS a report."""
    return configure(tmp_path / "here.toml", undelivered[0], pacs.port)


@pytest.fixture
def there(pacs, tmp_path):
    """The configuration of a fresh machine."""
    return configure(tmp_path / "there.toml", tmp_path / "fresh", pacs.port)


def test_a_restored_node_delivers_what_was_owed(here, there, undelivered, tmp_path, pacs, eventually):
    taken = json.loads(run("backup", tmp_path / "backup", "--config", here, "--json"))
    assert taken["missing"] == taken["damaged"] == 0
    run("backup", "--check", tmp_path / "backup")
    assert "restored" in run("restore", tmp_path / "backup", "--config", there)
    assert "clean" in run("verify", "--config", there)
    assert json.loads(run("verify", "--quick", "--json", "--config", there)) == []
    node = Node(load(there))
    node.start()
    try:
        eventually(
            "its delivery",
            lambda: [item.state for item in list_deliveries(node.database)] == [DeliveryState.DELIVERED],
        )
    finally:
        node.stop()
    assert {str(item.SOPInstanceUID) for item in pacs.received} == {undelivered[1].sop_instance_uid}
    assert "clean" in run("verify", "--config", there)


def test_a_working_node_is_backed_up_and_verified(there, tmp_path, scanner_of, small_series, eventually, state_of):
    node = Node(load(there))
    node.start()
    try:
        scanner_of(node).send(small_series[:5])
        assert json.loads(run("backup", tmp_path / "backup", "--config", there, "--json"))["objects"] == 5
        scanner_of(node).send(small_series[5:])
        taken = json.loads(run("backup", tmp_path / "backup", "--config", there, "--json"))
        assert taken["objects"] >= len(small_series)
        assert taken["copied"] == taken["objects"] - 5
        assert "clean" in run("verify", "--config", there)
        refused = CliRunner().invoke(cli, ["restore", str(tmp_path / "backup"), "--config", str(there)])
        assert "another node is running" in str(refused.exception)
    finally:
        node.stop()


def test_a_backup_that_is_killed_is_none_and_the_next_one_is_whole(here, tmp_path):
    backup = tmp_path / "backup"
    run_killed("storage.backup.taking", "write_durably", "backup", backup, "--config", here)
    refused = CliRunner().invoke(cli, ["backup", "--check", str(backup)])
    assert "no whole backup" in str(refused.exception)
    first = json.loads(run("backup", backup, "--config", here, "--json"))
    assert first["copied"] == 0  # what the killed one had copied was compared, not copied again
    run_killed("storage.backup.taking", "write_durably", "backup", backup, "--config", here)
    assert first["taken_at"] in run("backup", "--check", backup)


def test_a_restore_that_is_killed_keeps_the_node_away_until_it_is_run_again(here, there, tmp_path):
    run("backup", tmp_path / "backup", "--config", here)
    run_killed("storage.backup.restoring", "_put_index", "restore", tmp_path / "backup", "--config", there)
    assert (tmp_path / "fresh" / MARK).exists()
    refused = CliRunner().invoke(cli, ["verify", "--config", str(there)])
    assert refused.exit_code
    with pytest.raises(Exception, match="has not finished"):
        open_database(load(there))
    run("restore", tmp_path / "backup", "--config", there)
    assert "clean" in run("verify", "--config", there)


def test_the_configuration_comes_back_without_its_secrets(here, tmp_path):
    with here.open("a") as file:
        file.write('[peers.ARCHIVE]\nurl = "https://archive.example/dicom-web"\ntoken = "s3cret-of-the-archive"\n')
    run("backup", tmp_path / "backup", "--config", here)
    written = tmp_path / "coronode.toml"
    run("restore", tmp_path / "backup", "--to-config", written)
    assert "s3cret" not in written.read_text()
    assert "https://archive.example" in written.read_text()
    assert not any(b"s3cret" in path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file())


def test_repair_asks_and_then_leaves_a_clean_node(here, tmp_path, undelivered):
    next((undelivered[0] / "objects" / "instances").rglob("*.dcm")).unlink()
    assert "missing" in run("verify", "--quick", "--config", here, code=1)
    declined = CliRunner().invoke(cli, ["verify", "--quick", "--repair", "--config", str(here)], input="n\n")
    assert declined.exit_code == 1
    assert "missing" in run("verify", "--quick", "--config", here, code=1)
    run("verify", "--quick", "--repair", "--yes", "--config", here)
    found = CliRunner().invoke(cli, ["verify", "--quick", "--config", str(here)]).output
    assert "missing" not in found


def test_the_tables_are_checked(here):
    assert "up to date" in run("database", "check", "--config", here)
    assert "up to date" in run("database", "upgrade", "--dry-run", "--config", here)
