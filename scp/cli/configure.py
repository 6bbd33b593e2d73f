"""`coronode config`: check, show, write or reload the configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import ConfigurationError, CoronodeError
from config.load import DEFAULT_FILE, load, read_defaults
from scp.cli.command import Group
from scp.cli.options import config_option, json_option
from scp.cli.terminal.output import say
from scp.cli.trial_certificates import tls
from scp.outside_text import escape_json

if TYPE_CHECKING:
    from config.settings import Settings


@click.group(cls=Group, examples=("coronode config init", "coronode config check", "coronode config show"))
def config() -> None:
    """Check, show, write or reload the configuration."""


@config.command(examples=("coronode config check --config /etc/coronode.toml",))
@config_option
def check(config_file: Path | None) -> None:
    """Check whether the configuration is valid."""
    from config.contradictions import find_warnings
    from scp.cli.checking import check_named

    settings = load(config_file)
    check_named(settings)
    _check_certificates(settings)
    for warning in find_warnings(settings):
        say(f"coronode: warning: {warning}", err=True)
    peers = ", ".join(sorted(settings.peers)) or "none"
    targets = ", ".join(settings.results.destinations) or "none: results stay on this node"
    say(f"configuration is valid; peers: {peers}; results go to: {targets}")


def _check_certificates(settings: Settings) -> None:
    """Raise ConfigurationError for a certificate of TLS that is not valid now."""
    if not settings.node.tls.is_configured:
        return
    from scp.expiry import list_named
    from scp.installation import utc_now

    now = utc_now()
    for named in list_named(settings, now):
        if not named.is_valid(now):
            raise ConfigurationError(f"{named.setting}: {named.describe(now)}")


@config.command(name="reload", examples=("coronode config reload --config /etc/coronode.toml",))
@json_option
@config_option
def reload_running(config_file: Path | None, *, as_json: bool) -> None:
    """Have the running node read its configuration again, without losing an association.

    It reads the file and the environment that it was started with; exit status 2 where it refuses them, and goes on by
    the configuration in force.
    """
    from scp.control import ask

    answer = ask(load(config_file).node.data_dir, "reload")
    if "error" in answer:
        raise CoronodeError(answer["error"])
    if as_json:
        say(*escape_json(json.dumps(answer, indent=2, ensure_ascii=False)).split("\n"))
    if answer["kind"] == "refused":
        raise ConfigurationError(answer["words"])
    if not as_json:
        say(f"configuration reloaded; {answer['words']}")


@config.command(examples=("coronode config show --config /etc/coronode.toml", "coronode config show --json"))
@json_option
@config_option
def show(config_file: Path | None, *, as_json: bool) -> None:
    """Print the settings in force, defaults and environment included, as a configuration file without its secrets."""
    from config.disclosure import disclose
    from scp.cli.terminal.toml_text import format_toml

    shown = disclose(load(config_file))
    text = json.dumps(shown, indent=2, ensure_ascii=False) if as_json else format_toml(shown)
    say(*escape_json(text).split("\n"))


@config.command(examples=("coronode config init /etc/coronode.toml",))
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_FILE)
def init(path: Path) -> None:
    """Write a configuration file with every key, its default and its meaning to PATH (default coronode.toml)."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(read_defaults())
    except FileExistsError:
        raise CoronodeError(f"{path}: already exists and was not changed") from None
    except OSError as error:
        raise CoronodeError(f"{path}: cannot be written: {error.strerror}") from error
    say(f"wrote {path}; next: name your scanner and PACS in it, then: coronode doctor --config {path}")


@config.command(examples=("coronode config passcode",))
def passcode() -> None:
    """Hash a passcode for peers.NAME.users: typed without an echo, or the first line of standard input."""
    from config.passcodes import LONGEST_PASSCODE, HashedPasscode

    if sys.stdin.isatty():
        plain = click.prompt("passcode", hide_input=True, confirmation_prompt="again", err=True)
    else:
        plain = sys.stdin.readline(2 * LONGEST_PASSCODE).rstrip("\r\n")
    if not 0 < len(plain.encode()) <= LONGEST_PASSCODE:
        raise CoronodeError(f"a passcode has 1 to {LONGEST_PASSCODE} bytes; type it, or give it on standard input")
    say(HashedPasscode.make(plain))


config.add_command(tls)
