"""`coronode account token`: what machines show instead of a password."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, get_args

import click

from config.web import Role
from scp.cli.account_access import administer
from scp.cli.command import Group
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

_TOKEN_COLUMNS: Final = ("token", "role", "made by", "made (UTC)", "valid until (UTC)", "last used (UTC)")
_MINUTE: Final = "%Y-%m-%d %H:%M"


@click.group(cls=Group, examples=("coronode account token add gateway --role store", "coronode account token list"))
def token() -> None:
    """Manage what machines show instead of a password."""


@token.command("add", examples=("coronode account token add gateway --role store --days 365",))
@click.argument("name")
@click.option("--role", type=click.Choice(get_args(Role)), required=True, help="What the machine may do.")
@click.option("--days", type=click.IntRange(1, 3650), help="Valid for so many days; otherwise until it is revoked.")
@config_option
def add_token(name: str, role: str, days: int | None, config_file: Path | None) -> None:
    """Print a new token once, for the header `Authorization: Bearer TOKEN`."""
    with administer(config_file, make=True) as administration:
        say(administration.add_token(name, role, days))


@token.command("list", examples=("coronode account token list --json",))
@json_option
@config_option
def list_tokens(config_file: Path | None, *, as_json: bool) -> None:
    """List the tokens of machines."""
    from dataclasses import asdict

    from storage.accounts import tokens

    with open_index(config_file) as database:
        items = tokens.list_tokens(database)
    if as_json:
        print_json(map(asdict, items))
        return
    rows = (
        (
            item.name,
            item.role,
            item.created_by,
            *(
                "" if moment is None else f"{moment:{_MINUTE}}"
                for moment in (item.created_at, item.expires_at, item.used_at)
            ),
        )
        for item in items
    )
    print_table(_TOKEN_COLUMNS, rows)


@token.command(examples=("coronode account token revoke gateway",))
@click.argument("name")
@config_option
def revoke(name: str, config_file: Path | None) -> None:
    """Take a token back."""
    with administer(config_file) as administration:
        administration.revoke_token(name)
    say(f"token {name} is revoked")


def _format_moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:{_MINUTE}}"
