import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigurationError
from config.load import load, read_defaults
from config.settings import NodeSettings, Settings
from config.tls import TlsSettings
from config.web import OidcSettings

PACS = '[peers.PACS]\nae_title = "PACS"\nhost = "10.0.0.5"\nport = 104\n'


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str) -> Path:
        path = tmp_path / "site.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def test_built_in_defaults_run_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert (settings.node.ae_title, settings.node.port, settings.node.host) == ("CORONODE", 11112, "127.0.0.1")
    assert not settings.node.accept_unknown_peers


def test_defaults_file_says_what_the_code_does():
    assert Settings.model_validate(tomllib.loads(read_defaults())) == Settings()


def test_defaults_file_names_every_key():
    written = tomllib.loads(read_defaults())
    for section, field in Settings.model_fields.items():
        if section == "peers":
            continue
        for key in field.annotation.model_fields:
            assert key in written.get(section, {}) or f"# {key} =" in read_defaults(), f"{section}.{key}"
    for key in TlsSettings.model_fields:
        assert key in written["node"]["tls"] or f"# {key} =" in read_defaults(), f"node.tls.{key}"
    for key in OidcSettings.model_fields:
        assert f"# {key} =" in read_defaults(), f"web.oidc.{key}"


def test_file_in_the_working_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coronode.toml").write_text("[node]\nport = 104\n")
    assert load().node.port == 104


def test_environment_wins_over_the_file(write, monkeypatch):
    monkeypatch.setenv("CORONODE_NODE__PORT", "4242")
    monkeypatch.setenv("CORONODE_RESULTS__DESTINATIONS", '["PACS"]')
    settings = load(write("[node]\nport = 104\n" + PACS))
    assert settings.node.port == 4242
    assert settings.results.destinations == ("PACS",)


def test_environment_reaches_into_a_section_of_a_section(write, monkeypatch):
    monkeypatch.setenv("CORONODE_NODE__TLS__PORT", "2763")
    text = '[node.tls]\nport = 2762\ncertificate = "n.pem"\nkey = "n.key"\nca = "ca.pem"\n'
    assert load(write(text)).node.tls.port == 2763


def test_environment_reaches_into_a_peer_of_the_file(write, monkeypatch):
    monkeypatch.setenv("CORONODE_PEERS__PACS__PORT", "105")
    assert load(write(PACS.replace("PACS]", "Pacs]"))).peers["Pacs"].port == 105


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[node]\nprot = 1", ["node.prot", "unknown key", "did you mean 'port'", "max_pdu"]),
        ("[nodee]\nport = 1", ["nodee", "unknown section", "did you mean 'node'"]),
        ("[node]\nport = 99999", ["node.port = 99999", "65535"]),
        ("[node]\nport = 'x'", ["node.port = 'x'", "integer"]),
        ("[node]\nae_title = 'A LONG AE TITLE OF 27 CHARS'", ["node.ae_title", "16"]),
        ("[node]\nae_title = 'BACK\\SLASH'", ["node.ae_title", "backslash"]),
        ("[results]\ndestinations = ['PACS']", ["results.destinations", "'PACS'", "none is configured"]),
        (PACS + "[results]\ndestinations = ['PAX']", ["results.destinations", "'PAX'", "peers: PACS"]),
        (
            PACS.replace("port = 104", "") + "[results]\ndestinations = ['PACS']",
            ["results.destinations", "no port", "peers.PACS.port"],
        ),
        ("[peers.PACS]\nhost = 'x'", ["peers.PACS.ae_title", "missing"]),
        (PACS + "prot = 1", ["peers.PACS.prot", "did you mean 'port'"]),
        (PACS + "tls = true", ["peers.PACS", "tls"]),
        (PACS + "commit = true\nservices = ['store']", ["peers.PACS", 'add "commit" to its services']),
        ("[scoring]\nconvention = 'mine'", ["scoring.convention = 'mine'", "'standard'"]),
        (PACS + "[priors]\npeer = 'PAX'", ["priors.peer", "'PAX'", "peers: PACS"]),
        (PACS.replace("port = 104", "") + "[priors]\npeer = 'PACS'", ["priors.peer", "no port", "peers.PACS.port"]),
        ("[results]\ndestinations = 'PACS'", ["results.destinations = 'PACS'", 'a list, for instance ["PACS"]']),
        ("[results]\ndocuments = []", ["results.documents = []", "at least 1"]),
        ("node = 3", ["node = 3"]),
        ("[node\nport", ["not valid TOML", "line 1"]),
    ],
)
def test_an_error_names_file_key_value_and_what_is_allowed(write, text, expected):
    path = write(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for part in expected:
        assert part in message


def test_an_error_of_the_environment_names_the_variable(write, monkeypatch):
    monkeypatch.setenv("CORONODE_NODE__PORT", "abc")
    with pytest.raises(ConfigurationError, match=r"environment variable CORONODE_NODE__PORT: node\.port = 'abc'"):
        load(write(""))


@pytest.mark.parametrize(
    "name",
    [
        "CORONODE_NODEE__PORT",
        "CORONODE_NODE__PROT",
        "CORONODE_NODE_PORT",
        "CORONODE_NODEE",
        "CORONODE_PEERS__PACS__PROT",
    ],
)
def test_an_unknown_name_in_the_environment_is_an_error(write, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=f"environment variable {name}: .*allowed:"):
        load(write(PACS))


def test_a_name_with_too_few_underscores_says_how_it_is_written(write, monkeypatch):
    monkeypatch.setenv("CORONODE_NODE_PORT", "104")
    with pytest.raises(ConfigurationError, match="CORONODE_SECTION__KEY"):
        load(write(""))


def test_the_environment_names_the_file_unless_the_command_does(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coronode.toml").write_text("[node]\nport = 1\n")
    monkeypatch.setenv("CORONODE_CONFIG", str(write("[node]\nport = 2\n")))
    assert load().node.port == 2
    assert load(tmp_path / "coronode.toml").node.port == 1
    monkeypatch.setenv("CORONODE_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: cannot be read"):
        load()


def test_a_list_in_the_environment_is_json(write, monkeypatch):
    monkeypatch.setenv("CORONODE_RESULTS__DESTINATIONS", "PACS")
    with pytest.raises(ConfigurationError, match="JSON"):
        load(write(PACS))


@pytest.mark.parametrize("make", [lambda _: None, Path.mkdir, lambda path: path.write_bytes(b"\xff\xfe")])
def test_a_file_that_cannot_be_read(tmp_path, make):
    path = tmp_path / "site.toml"
    make(path)
    with pytest.raises(ConfigurationError, match=r"site\.toml: (cannot be read|is not UTF-8)"):
        load(path)


@given(st.text(max_size=20))
def test_an_ae_title_is_taken_as_the_standard_says_or_refused(title):
    legal = title.isascii() and title.isprintable() and "\\" not in title and 1 <= len(title.strip(" ")) <= 16
    if legal:
        assert NodeSettings(ae_title=title).ae_title == title.strip(" ")
    else:
        with pytest.raises(ValueError, match=r"AE title|control character"):
            NodeSettings(ae_title=title)


def test_settings_do_not_change_after_loading():
    with pytest.raises(ValueError, match="frozen"):
        Settings().node.port = 1  # type: ignore[misc]


def test_an_error_of_a_whole_section_does_not_print_it(tmp_path):
    file = tmp_path / "coronode.toml"
    salt_and_hash = "c2FsdHNhbHRzYWx0c2FsdA$" + "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
    file.write_text(
        '[peers.A]\nae_title = "A"\nhost = "h"\nwitness = "count"\n'
        f'users = {{ alice = "$scrypt$ln=15,r=8,p=3${salt_and_hash}" }}\n'
    )
    with pytest.raises(ConfigurationError, match=r"peers\.A: witness: a peer without a port") as caught:
        load(file)
    assert salt_and_hash not in str(caught.value)


def test_a_name_at_the_beginning_of_an_error_keeps_its_capitals(tmp_path):
    file = tmp_path / "coronode.toml"
    file.write_text("[node.tls]\nport = 2762\n")
    with pytest.raises(ConfigurationError, match=r"node\.tls: TLS needs a certificate"):
        load(file)
