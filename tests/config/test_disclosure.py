"""What `coronode config show` may print."""

import json

import pytest
from click.testing import CliRunner

from config.disclosure import disclose
from config.passcodes import HashedPasscode
from config.settings import Settings
from scp.cli.configure import config

HASH = str(HashedPasscode(salt=b"s" * 16, digest=b"d" * 32))
PEER = {"ae_title": "A", "host": "h"}


def test_a_hash_of_a_passcode_is_hidden_and_the_name_of_its_user_is_not():
    shown = disclose(Settings.model_validate({"peers": {"A": PEER | {"users": {"reading room": HASH}}}}))
    assert shown["peers"]["A"]["users"] == {"reading room": "***"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://node:secret@db/coronode", "postgresql+psycopg://node:***@db/coronode"),
        ("postgresql+psycopg://node:se:cr@et@db/coronode", "postgresql+psycopg://node:***@db/coronode"),
        ("postgresql+psycopg://:secret@db/coronode", "postgresql+psycopg://:***@db/coronode"),
        ("postgresql+psycopg://node@db:5432/coronode", "postgresql+psycopg://node@db:5432/coronode"),
        (
            "postgresql+psycopg://db/coronode?user=node&password=secret&sslpassword=other&sslmode=require",
            "postgresql+psycopg://db/coronode?user=node&password=***&sslpassword=***&sslmode=require",
        ),
        ("sqlite:////var/lib/coronode/a:b@c.db", "sqlite:////var/lib/coronode/a:b@c.db"),
    ],
)
def test_the_password_of_the_database_is_hidden(url, shown):
    assert disclose(Settings.model_validate({"storage": {"database_url": url}}))["storage"]["database_url"] == shown


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_command_prints_no_secret(tmp_path, arguments):
    file = tmp_path / "coronode.toml"
    file.write_text(
        f'[peers.A]\nae_title = "A"\nhost = "h"\nusers = {{ alice = "{HASH}" }}\n'
        '[storage]\ndatabase_url = "postgresql+psycopg://node:hunter2@db/coronode"\n'
        '[web.oidc]\nissuer = "https://login.example"\nclient_id = "c"\nclient_secret = "hunter2"\n'
        'roles = { "readers" = ["review"] }\n'
    )
    ended = CliRunner().invoke(config, ["show", "--config", str(file), *arguments])
    assert ended.exit_code == 0
    assert HASH.rpartition("$")[2] not in ended.output
    assert "hunter2" not in ended.output
    assert "alice" in ended.output
    if arguments:
        assert json.loads(ended.output)["peers"]["A"]["users"] == {"alice": "***"}
