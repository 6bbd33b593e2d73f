"""Values of every kind for every key: what loads works, and what does not is one line that names the key."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from config import load as loading
from config.errors import ConfigurationError
from config.load import load
from config.settings import PeerSettings, Settings

PACS = {"ae_title": "PACS", "host": "10.0.0.5", "port": 104}
SECRET = "hunter2" * 3


def list_keys(section: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, field in section.model_fields.items():
        below = field.annotation
        if isinstance(below, type) and issubclass(below, BaseModel):
            yield from list_keys(below, (*path, key))
        yield (*path, key)
    if section is Settings:
        yield from list_keys(PeerSettings, ("peers", "PACS"))


KEYS = sorted(set(list_keys(Settings)))
SECRETS = {"token", "password", "client_secret", "database_url", "users"}
VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.dates(),
    st.sampled_from([0, 1, -1, 2**31, 2**63, 1e308, "", " ", "~", "\0", "a\nb", "::1", "http://[", "file:///x", "*"]),
    st.lists(st.one_of(st.integers(), st.text(max_size=9)), max_size=3),
    st.dictionaries(st.text(max_size=9), st.one_of(st.integers(), st.text(max_size=9), st.booleans()), max_size=2),
)


def put(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"peers": {"PACS": dict(PACS)}}
    below: Any = written
    for part in path[:-1]:
        below = below.setdefault(part, {})
    below[path[-1]] = value
    return written


def read(written: dict[str, Any], **environment: str) -> Settings | ConfigurationError:
    """Load what a file says and the environment."""
    variables = mock.patch.dict("os.environ", environment, clear=True)
    with mock.patch.object(loading, "_read", return_value=written), variables:
        try:
            return load(Path("site.toml"))
        except ConfigurationError as error:
            return error


@settings(max_examples=600, deadline=None)
@given(path=st.sampled_from(KEYS), value=VALUES)
def test_a_value_of_any_kind_loads_or_is_one_line_with_its_key(path, value):
    message = str(outcome) if isinstance(outcome := read(put(path, value)), ConfigurationError) else path[-1]
    assert message.isprintable(), message
    assert any(part in message for part in (path[-1], ".".join(path[:-1]))), message


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(KEYS), text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_variable_of_any_text_loads_or_is_one_line_with_its_name(path, text):
    name = f"CORONODE_{'__'.join(path).upper()}"
    outcome = read(put(("node", "host"), "127.0.0.1"), **{name: text})
    message = str(outcome) if isinstance(outcome, ConfigurationError) else name
    assert message.isprintable()
    assert name in message or ".".join(path[:-1]) in message


@pytest.mark.parametrize("path", [path for path in KEYS if path[-1] in SECRETS], ids=".".join)
@pytest.mark.parametrize(
    "value", [SECRET, [SECRET], {"a": SECRET}, f"mysql://u:{SECRET}@h/x", f"https://u:{SECRET}@h/"]
)
def test_neither_an_error_nor_the_settings_show_a_secret(path, value):
    outcome = read(put(path, value))
    shown = [repr(outcome)]
    if isinstance(outcome, ConfigurationError):
        shown = traceback.format_exception(outcome)
    assert SECRET not in "".join(shown)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("node", "port"), True, "node.port = True: should be a number, not true or false"),
        (("node", "reserve_mb"), False, "should be a number, not true or false"),
        (("completion", "quiet_seconds"), True, "should be a number, not true or false"),
        (("peers", "PACS", "port"), True, "peers.PACS.port = True: should be a number"),
        (("node", "port"), "104", "node.port = '104': should be an integer, without quotes"),
        (("completion", "quiet_seconds"), "60", "should be a number, without quotes"),
        (("node", "accept_unknown_peers"), 1, "should be true or false"),
        (("node", "accept_unknown_peers"), "no", "should be true or false, without quotes"),
        (("completion", "quiet_seconds"), float("nan"), "finite"),
        (("node", "host"), "", "should be an IP address or a host name"),
        (("node", "host"), "10.0.0.5:104", "has a port; write the host alone (10.0.0.5), and the port as port = 104"),
        (("node", "host"), "http://here", "is a URL"),
        (("node", "host"), "[::1]", "without brackets"),
        (("node", "host"), "10.0.0", "is no complete IP address"),
        (("node", "host"), "a" * 300, "should be an IP address or a host name"),
        (("peers", "PACS", "host"), "::", "stands for every address"),
        (("node", "data_dir"), "", "neither empty"),
        (("node", "data_dir"), "~/data", "beginning with ~"),
        (("results", "logo"), "a\0b", "control character"),
        (("results", "series_number"), 2**31 - 1, "less than or equal to"),
        (("results", "series_description"), "a\\b", "backslash"),
        (("results", "destinations"), ["PACS", "PACS"], "'PACS' is listed twice"),
        (("results", "documents"), ["sr", "sr"], "'sr' is listed twice"),
        (("peers", "a" * 65), PACS, ": a peer's name is 1 to 64"),
        (("peers", "-x"), PACS, "a peer's name is 1 to 64"),
        (("peers", "PACS"), {"url": "https://h:99999/"}, "url: the base of its DICOMweb services"),
        (("peers", "PACS"), {"url": "https://h/", "user": "a:b", "password": "x"}, "no colon"),
        (("peers", "PACS"), {"url": "https://h/", "token": "x", "token_file": "t"}, "token and token_file exclude"),
        (("node", "host"), date(2026, 1, 1), "should be a valid string"),
    ],
)
def test_values_that_would_fail_later_are_errors_now(path, value, expected):
    outcome = read(put(path, value))
    assert isinstance(outcome, ConfigurationError)
    assert expected in str(outcome)


class TestVariables:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("CORONODE_NODE__ACCEPT_UNKNOWN_PEERS", "1"),
            ("CORONODE_NODE__ACCEPT_UNKNOWN_PEERS", "True"),
            ("coronode_node__accept_unknown_peers", "yes"),
            ("CORONODE_NODE", '{"accept_unknown_peers": true}'),
        ],
    )
    def test_a_switch_is_written_as_elsewhere(self, monkeypatch, tmp_path, name, text):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv(name, text)
        assert load().node.accept_unknown_peers is True

    def test_text_stays_text(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CORONODE_NODE__AE_TITLE", "123")
        assert load().node.ae_title == "123"

    def test_a_peer_is_made_of_variables_alone(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        for key, value in PACS.items():
            monkeypatch.setenv(f"CORONODE_PEERS__PACS__{key.upper()}", str(value))
        monkeypatch.setenv("CORONODE_RESULTS__DESTINATIONS", json.dumps(["PACS"]))
        assert load().peers["PACS"].port == 104

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("CORONODE_NODE__TLS__PROT", "node.tls.prot: unknown key; did you mean 'port'"),
            ("CORONODE_WEB__OIDC__ISSUR", "web.oidc.issur: unknown key; did you mean 'issuer'"),
            ("CORONODE_NODE__PORT__X", "node.port is a key, and 'x' is nothing in it"),
            ("coronode_nodee__port", "no section 'nodee'"),
            ("CORONODE_PORT_11112_TCP", "enableServiceLinks"),
            ("CORONODE_SERVICE_HOST", "enableServiceLinks"),
            ("CORONODE_", "no section ''"),
        ],
    )
    def test_a_variable_that_names_nothing_is_an_error(self, monkeypatch, tmp_path, name, expected):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv(name, "1")
        with pytest.raises(ConfigurationError) as caught:
            load()
        assert f"environment variable {name}: " in str(caught.value)
        assert expected in str(caught.value)

    def test_two_variables_of_one_key_are_an_error(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CORONODE_NODE__PORT", "1")
        monkeypatch.setenv("coronode_node__port", "2")
        with pytest.raises(ConfigurationError, match="are the same key"):
            load()
