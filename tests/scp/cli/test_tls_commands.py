"""`coronode config tls init`, and what `config check` and `doctor` say of the files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from config.settings import Settings
from tests.scp import certificates

PEERS = '[peers.CT1]\nae_title = "CT1"\nhost = "10.0.0.7"\n[peers."A/B"]\nae_title = "AB"\nhost = "pacs.example"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "coronode.toml"
    path.write_text(PEERS)
    return path


def read_lines(text: str) -> dict:
    """The configuration among what the command prints."""
    start = text.index("[node.tls]")
    return tomllib.loads(text[start : text.index("\nGive each peer")])


def test_the_lines_that_init_prints_make_a_configuration_that_is_valid(coronode, tmp_path, config):
    made = coronode("config", "tls", "init", "--out", tmp_path / "tls", "--config", config)
    assert made.code == 0, made.err
    lines = read_lines(made.out)
    assert set(lines["peers"]) == {"CT1", "A/B"}
    base = tomllib.loads(PEERS)
    merged = {
        "node": lines["node"],
        "peers": {name: base["peers"][name] | lines["peers"][name] for name in lines["peers"]},
    }
    settings = Settings.model_validate(merged)
    assert all(peer.tls and peer.certificate[0].startswith("sha256:") for peer in settings.peers.values())
    for name in ("ca", "node", "CT1", "A_B"):
        assert (tmp_path / "tls" / f"{name}.pem").exists()
        assert (tmp_path / "tls" / f"{name}.key").stat().st_mode & 0o777 == 0o600


def test_a_second_run_uses_the_authority_again_and_replaces_nothing(coronode, tmp_path, config):
    out = tmp_path / "tls"
    assert coronode("config", "tls", "init", "CT1", "--out", out, "--config", config).code == 0
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert coronode("config", "tls", "init", "PC=10.0.0.8", "--out", out, "--config", config).code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert (out / "PC.pem").exists()
    again = coronode("config", "tls", "init", "CT1", "--out", out, "--config", config)
    assert again.code == 1
    assert "CT1.key: already exists" in again.err


def test_a_second_run_without_names_is_for_the_peers_that_came_since(coronode, tmp_path, config):
    out = tmp_path / "tls"
    assert coronode("config", "tls", "init", "--out", out, "--config", config).code == 0
    before = {path: path.read_bytes() for path in out.iterdir()}
    nothing = coronode("config", "tls", "init", "--out", out, "--config", config)
    assert (nothing.code, nothing.err) == (0, "")
    assert "nothing was made" in nothing.out
    config.write_text(PEERS + '[peers.NEW]\nae_title = "NEW"\nhost = "10.0.0.8"\n')
    more = coronode("config", "tls", "init", "--out", out, "--config", config)
    assert set(read_lines(more.out)["peers"]) == {"NEW"}
    assert {path: path.read_bytes() for path in before} == before
    assert (out / "NEW.key").exists()


def test_a_folder_that_cannot_be_made(coronode, tmp_path, config):
    (tmp_path / "file").touch()
    asked = coronode("config", "tls", "init", "--out", tmp_path / "file" / "tls", "--config", config)
    assert (asked.code, asked.out) == (1, "")
    assert "file/tls: cannot be made: Not a directory" in asked.err


def test_an_unknown_name_needs_a_host(coronode, tmp_path, config):
    asked = coronode("config", "tls", "init", "PC", "--out", tmp_path / "tls", "--config", config)
    assert asked.code == 2
    assert "'PC'" in asked.err
    assert "PC=HOST" in asked.err
    assert not (tmp_path / "tls").exists()


def write_config(path: Path, tls: dict[str, object], more: str = "") -> Path:
    keys = "\n".join(
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in tls.items()
    )
    path.write_text(f'[node]\nport = 0\ndata_dir = "{path.parent / "data"}"\n[node.tls]\n{keys}\n{more}')
    return path


def test_config_check_is_content_with_good_files(coronode, tmp_path):
    path = write_config(tmp_path / "site.toml", certificates.write_node(tmp_path) | {"port": 2762})
    assert coronode("config", "check", "--config", path).code == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "node.pem").unlink(), ["node.tls.certificate", "cannot be read"]),
        (lambda folder: (folder / "node.key").chmod(0o604), ["node.tls.key", "other users"]),
        (
            lambda folder: certificates.write(folder, "node", certificates.issue("node", days=-2)),
            ["node.tls.certificate", "CN=node has expired on", "replace the file"],
        ),
        (
            lambda folder: (folder / "node.key").write_bytes(certificates.issue("peer").key),
            ["node.tls.key", "is not the key of the certificate"],
        ),
    ],
    ids=["missing", "open", "expired", "another key"],
)
def test_config_check_and_doctor_refuse_bad_files(coronode, tmp_path, spoil, words):
    path = write_config(tmp_path / "site.toml", certificates.write_node(tmp_path) | {"port": 2762})
    spoil(tmp_path)
    checked = coronode("config", "check", "--config", path)
    assert checked.code == 2
    examined = coronode("doctor", "--config", path)
    assert examined.code == 1
    for word in words:
        assert word in checked.err
        assert word in examined.out


def test_doctor_counts_the_days_and_warns_of_the_last_thirty(coronode, tmp_path):
    pinned, _ = certificates.write(tmp_path, "peer", certificates.issue("peer", days=20))
    peer = f'[peers.CT]\nae_title = "CT1"\nhost = "127.0.0.1"\ntls = true\ncertificate = "{pinned}"\n'
    path = write_config(tmp_path / "site.toml", certificates.write_node(tmp_path) | {"port": 0}, peer)
    said = coronode("doctor", "--config", path).out
    lines = [line for line in said.splitlines() if "certificate:" in line or "tls:" in line]
    assert [line[:3] for line in lines] == ["ok ", "ok ", "ok ", "!! "]
    assert "B.12" in lines[0]
    assert "days" in lines[1]
    assert "peers.CT.certificate" in lines[3]
    assert "replace the file" in lines[3]
