"""`coronode setup`: what the system around the node needs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import click

from config.errors import ConfigurationError
from config.load import load
from scp.cli.command import Group
from scp.cli.options import config_option
from scp.cli.terminal.output import say

_SHELLS: Final = ("bash", "zsh", "fish")


@click.group(
    cls=Group,
    examples=(
        "coronode setup unit --config /etc/coronode.toml > /etc/systemd/system/coronode.service",
        "coronode setup completion bash > /etc/bash_completion.d/coronode",
        "coronode setup man > /usr/local/share/man/man1/coronode.1",
    ),
)
def setup() -> None:
    """Print a systemd unit, a shell's completion or the manual page, each to be written where it belongs."""


@setup.command(examples=("coronode setup unit --config /etc/coronode.toml --user coronode",))
@click.option("--user", default="coronode", show_default=True, help="The user that the node runs as.")
@config_option
def unit(config_file: Path | None, user: str) -> None:
    """Print a systemd unit for this installation and its configuration, closed to everything that it does not need."""
    from scp.cli.terminal.unit import format_unit

    if config_file is None:
        raise ConfigurationError("a service needs a configuration by its name: add --config /etc/coronode.toml")
    settings = load(config_file)
    unit_file = format_unit(settings, executable=_find_executable(), config_file=config_file.resolve(), user=user)
    say(*unit_file.splitlines())


@setup.command(examples=("coronode setup completion bash",))
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print what lets a shell complete commands and options."""
    from click.shell_completion import get_completion_class

    from scp.cli import cli

    found = get_completion_class(shell)
    if found is None:
        raise ConfigurationError(f"no completion for {shell}; allowed: {', '.join(_SHELLS)}")
    say(*found(cli, {}, "coronode", "_CORONODE_COMPLETE").source().splitlines())


@setup.command(examples=("coronode setup man",))
def man() -> None:
    """Print the manual page."""
    from importlib.metadata import version

    from scp.cli import cli
    from scp.cli.terminal.manual import format_manual

    say(*format_manual(cli, version("coronode")).splitlines())


def _find_executable() -> Path:
    """Return the path of this command, beside the interpreter that runs it: a service finds neither by PATH."""
    beside = Path(sys.executable).parent / "coronode"
    found = beside if beside.is_file() else shutil.which("coronode")
    if found is None:
        raise ConfigurationError("the command `coronode` is not installed in this environment; see docs/installing.md")
    return Path(found).absolute()
