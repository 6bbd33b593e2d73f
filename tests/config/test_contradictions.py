"""Settings that are each allowed and together are not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from config.contradictions import find_warnings
from config.errors import ConfigurationError
from config.load import load
from config.settings import Settings

PACS = '[peers.PACS]\nae_title = "PACS"\nhost = "10.0.0.5"\nport = 104\n'
CT = '[peers.CT]\nae_title = "CT"\nhost = "10.0.0.6"\n'
ANYWHERE = '[node]\nhost = "0.0.0.0"\n'


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str) -> Settings:
        path = tmp_path / "site.toml"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return _read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[selection]\nminimum_thickness_mm = 6", "selection.minimum_thickness_mm = 6 is more than .*= 5;"),
        ("[results]\nretry_longest_seconds = 4", "results.retry_first_seconds = 5 is more than .*= 4;"),
        ("[node]\nlongest_pdu = 4096", "node.max_pdu = 131072 is more than node.longest_pdu = 4096;"),
        ("[web]\nport = 11112", "web.port = 11112 is that of node.port, too"),
        (
            '[node.tls]\nport = 8080\ncertificate = "a"\nkey = "b"\nca = "c"',
            "web.port = 8080 is that of node.tls.port, too",
        ),
        (ANYWHERE + "port = 8080", "web.port = 8080 is that of node.port"),
        (PACS + PACS.replace("PACS]", "OTHER]"), "peers.OTHER: has the same AE title, host and port as peers.PACS"),
        (CT + CT.replace("CT]", "Ct]").replace("10.0.0.6", "10.0.0.7"), "peers.Ct: differs from peers.CT by upper"),
        ('[peers.A]\nurl = "https://a/"\n[peers.B]\nurl = "https://a"', "peers.B: has the same url as peers.A"),
        (PACS.replace("10.0.0.5", "localhost").replace("104", "11112"), "peers.PACS.host: .*this node itself"),
        (ANYWHERE + PACS.replace("10.0.0.5", "127.0.1.1").replace("104", "11112"), "this node itself .node.port"),
        (
            ANYWHERE + PACS.replace("10.0.0.5", socket.gethostname()).replace("104", "11112"),
            "peers.PACS.host: .*this node itself",
        ),
        ('[peers.A]\nurl = "http://localhost:8080/dicom-web"', "peers.A.url: localhost:8080 is this node itself"),
        ('[storage]\ndatabase_url = "mysql://me:hunter2@db/x"', "storage.database_url: mysql:// is no database"),
        ('[storage]\ndatabase_url = "postgresql://me:hunter2@db/x"', r"write postgresql\+psycopg:// instead"),
        ('[storage]\ndatabase_url = "hunter2"', "storage.database_url: this is no database.*allowed: sqlite:////"),
        ('[storage]\ndatabase_password_file = "p"', "storage.database_password_file: there is no storage.database_url"),
    ],
)
def test_a_fault_names_the_key_and_what_to_do(read, tmp_path, text, expected):
    with pytest.raises(ConfigurationError, match=expected) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'site.toml'}: ")
    assert "\n" not in message
    assert "hunter2" not in message


def test_a_fault_that_a_variable_makes_names_the_variable(read, monkeypatch):
    monkeypatch.setenv("CORONODE_WEB__PORT", "11112")
    with pytest.raises(ConfigurationError, match=r"^environment variable CORONODE_WEB__PORT: web\.port = 11112"):
        read("")


@pytest.mark.parametrize(
    "text",
    [
        '[web]\nport = 11112\nhost = "10.0.0.1"\n[node]\nhost = "10.0.0.2"',
        "[web]\nport = 0\n[node]\nport = 0",
        CT + CT.replace("CT]", "CT2]").replace("10.0.0.6", "10.0.0.7"),  # two addresses of one AE title
        PACS + PACS.replace("PACS]", "STORE]").replace("104", "105"),  # two ports of one machine
        '[node]\nhost = "10.0.0.2"\n' + PACS.replace("10.0.0.5", "127.0.0.1").replace("104", "11112"),
        "[selection]\nminimum_thickness_mm = 3\nmaximum_thickness_mm = 3",
        '[storage]\ndatabase_url = "sqlite:////var/lib/coronode.db"',
    ],
)
def test_what_is_no_contradiction_loads(read, text):
    read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "results.destinations: none: results stay on this node"),
        (ANYWHERE + "accept_unknown_peers = true", "node.accept_unknown_peers: anybody who reaches 0.0.0.0"),
        (PACS + 'documents = []\n[results]\ndestinations = ["PACS"]', "peers.PACS.documents = []: it is a destination"),
        ("[results]\nseries_number = 5", "results.series_number = 5: scanners number their own series so"),
        ("[completion]\ngap_deadline_seconds = 30", "completion.gap_deadline_seconds = 30 is less than quiet_seconds"),
        ("[web]\nidle_minutes = 1000", "web.idle_minutes = 1000 has no effect"),
    ],
)
def test_what_is_seldom_meant_is_a_warning(read, text, expected):
    assert any(str(warning).startswith(expected) for warning in find_warnings(read(text)))


def test_an_ordinary_configuration_has_no_warning(read):
    assert not list(find_warnings(read(ANYWHERE + PACS + CT + '[results]\ndestinations = ["PACS"]')))
