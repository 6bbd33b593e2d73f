"""The command line: `coronode COMMAND`. Exit status 0 done, 1 failed, 2 usage or configuration."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click

from config.errors import ConfigurationError, CoronodeError

_COMMANDS: Final = {
    "serve": "serve",
    "demo": "demo",
    "score": "score",
    "report": "report",
    "phantom": "phantom",
    "echo": "peers",
    "send": "peers",
    "series": "operate",
    "outbox": "operate",
    "config": "configure",
    "doctor": "doctor",
}
"""Each command and the module of this package that holds it; loaded when called, so that --help is quick."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: Any = getattr(import_module(f"scp.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("coronode"), prog_name="coronode")
def cli() -> None:
    r"""Coronode receives CT series, scores coronary calcium and sends the result back to the PACS.

    \b
    Try it:       coronode demo
    Run it:       coronode config init && coronode serve
    One folder:   coronode score FOLDER
    """


def main() -> None:
    """Run the command line; errors of ours become one line on standard error."""
    try:
        cli.main(standalone_mode=True)
    except ConfigurationError as error:
        click.echo(f"coronode: {error}", err=True)
        sys.exit(2)
    except CoronodeError as error:
        click.echo(f"coronode: {error}", err=True)
        sys.exit(1)
