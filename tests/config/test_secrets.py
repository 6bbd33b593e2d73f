"""Secrets from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from config.errors import ConfigurationError
from config.secrets import is_readable_by_others, list_secret_files, read_secret
from config.settings import Settings


@pytest.mark.parametrize("written", ["s3cret ü", "s3cret ü\n", "s3cret ü\r\n"])
def test_the_end_of_the_line_is_no_part_of_a_secret(tmp_path, written):
    file = tmp_path / "secret"
    file.write_bytes(written.encode())
    assert read_secret(None, file, "storage.database_password_file") == "s3cret ü"


def test_a_secret_of_the_configuration_is_taken_as_it_is():
    assert read_secret(SecretStr(" x "), None, "token_file") == " x "
    assert read_secret(None, None, "token_file") is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"hunter2\nhunter2", b"\xffhunter2", b"hunter2" * 4096])
def test_a_file_that_holds_no_secret_is_named_and_not_shown(tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^web\.oidc\.client_secret_file: .*secret: ") as caught:
        read_secret(None, file, "web.oidc.client_secret_file")
    assert "hunter2" not in str(caught.value)


def test_every_file_with_a_secret_is_found():
    settings = Settings.model_validate(
        {
            "peers": {"A": {"url": "https://a", "token_file": "/t"}, "B": {"ae_title": "B", "host": "b"}},
            "storage": {"database_url": "postgresql+psycopg://db/x", "database_password_file": "/p"},
            "web": {"oidc": {"client_secret_file": "/s"}},
        }
    )
    assert dict(list_secret_files(settings)) == {
        "peers.A.token_file": Path("/t"),
        "storage.database_password_file": Path("/p"),
        "web.oidc.client_secret_file": Path("/s"),
    }


@pytest.mark.parametrize(("mode", "open_to_others"), [(0o600, False), (0o440, False), (0o444, True), (0o660, True)])
def test_who_can_read_it(tmp_path, mode, open_to_others):
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.chmod(mode)
    assert is_readable_by_others(file) is open_to_others
    assert not is_readable_by_others(tmp_path / "none")
