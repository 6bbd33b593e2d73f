"""`coronode account`: who may use the pages, from the shell of the node."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar, get_args

import click

from config.errors import CoronodeError
from config.load import load
from config.web import Role
from scp.cli.account_access import administer, find_user
from scp.cli.account_tokens import token
from scp.cli.command import Group
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

_COLUMNS: Final = ("name", "name in reports", "roles", "state", "last sign-in (UTC)")
_LONGEST_LINE: Final = 4096
_MINUTE: Final = "%Y-%m-%d %H:%M"

F = TypeVar("F", bound=Callable[..., object])


def _role_option(function: F) -> F:
    help_ = "A role of the account; may be given several times."
    roles = click.Choice([role for role in get_args(Role) if role != "store"])
    return click.option("--role", "roles", type=roles, multiple=True, required=True, help=help_)(function)


@click.group(
    cls=Group,
    examples=(
        "coronode account add anna --role review --printed-name 'Dr. Anna Muster'",
        "coronode account list",
        "coronode account reset anna",
    ),
)
def account() -> None:
    """Manage the accounts of the web pages, and the tokens of machines."""


@account.command(
    examples=(
        "coronode account add admin --role administer --role review",
        "coronode account add anna --role review --ask",
    )
)
@click.argument("name")
@_role_option
@click.option("--printed-name", default="", help="Name of the reader in reports.")
@click.option("--ask", is_flag=True, help="Ask for its password, or read it from the first line of standard input.")
@config_option
def add(name: str, roles: tuple[str, ...], printed_name: str, config_file: Path | None, *, ask: bool) -> None:
    """Add an account; its temporary password, to be changed at the first sign-in, is printed once."""
    chosen = _ask_password() if ask else ""
    with administer(config_file, make=True) as administration:
        made, password = administration.add(name, printed_name, roles, chosen)
    say(f"account {made.name} may {', '.join(sorted(made.roles))}", err=True)
    if password:
        _tell_password(password)


@account.command("list", examples=("coronode account list", "coronode account list --json"))
@json_option
@config_option
def list_(config_file: Path | None, *, as_json: bool) -> None:
    """List accounts."""
    from storage.accounts import accounts

    with open_index(config_file) as database:
        items = accounts.list_accounts(database)
    if as_json:
        print_json(
            {
                "name": item.name,
                "printed_name": item.printed_name,
                "roles": sorted(item.roles),
                "state": item.state,
                "must_change": item.must_change,
                "from_provider": item.subject is not None,
                "last_sign_in_at": item.last_sign_in_at,
            }
            for item in items
        )
        return
    rows = (
        (
            item.name,
            item.printed_name,
            " ".join(sorted(item.roles)),
            item.state + (", temporary password" if item.must_change else ""),
            f"{item.last_sign_in_at:{_MINUTE}}" if item.last_sign_in_at else "never",
        )
        for item in items
    )
    print_table(_COLUMNS, rows)


@account.command(examples=("coronode account roles anna --role review --role operate",))
@click.argument("name")
@_role_option
@config_option
def roles(name: str, roles: tuple[str, ...], config_file: Path | None) -> None:
    """Give an account these roles and no other; its sessions end."""
    with administer(config_file) as administration:
        changed = administration.change_roles(name, roles)
    say(f"account {changed.name} may {', '.join(sorted(changed.roles))}")


@account.command(examples=("coronode account reset anna",))
@click.argument("name")
@config_option
def reset(name: str, config_file: Path | None) -> None:
    """Print a new temporary password; sessions and pauses of the account end."""
    with administer(config_file) as administration:
        password = administration.reset(name)
    _tell_password(password)


@account.command(examples=("coronode account disable anna",))
@click.argument("name")
@config_option
def disable(name: str, config_file: Path | None) -> None:
    """Disable an account; its sessions end."""
    with administer(config_file) as administration:
        say(f"account {administration.disable(name).name} is disabled")


@account.command(examples=("coronode account enable anna",))
@click.argument("name")
@config_option
def enable(name: str, config_file: Path | None) -> None:
    """Let a disabled account be used again."""
    with administer(config_file) as administration:
        say(f"account {administration.enable(name).name} is active")


@account.command(examples=("coronode account unlock anna",))
@click.argument("name")
@config_option
def unlock(name: str, config_file: Path | None) -> None:
    """End the pause after failed attempts to sign in."""
    with administer(config_file) as administration:
        say(f"account {administration.unlock(name).name} may sign in again")


@account.command("break-glass", examples=("coronode account break-glass admin --reason 'administrator has left'",))
@click.argument("name")
@click.option("--reason", required=True, help="Why; stands in the log and in the audit log.")
@config_option
def break_glass(name: str, reason: str, config_file: Path | None) -> None:
    """Make an account an administrator's that can be used, with a temporary password; log and audit log tell it."""
    if not reason.strip():
        raise click.UsageError("--reason: say why")
    settings = load(config_file)
    with administer(config_file) as administration:
        password = administration.break_glass(name, reason.strip())
    from scp import logs

    logs.configure(settings.node.log_level, settings.node.log_format)
    import structlog

    structlog.get_logger(__name__).warning("glass was broken", account=name, reason=reason.strip(), by=find_user())
    _tell_password(password)


def _ask_password() -> str:
    """Let a password be typed without an echo, or read it from standard input."""
    if sys.stdin.isatty():
        typed: str = click.prompt("password", hide_input=True, confirmation_prompt="again", err=True)
        return typed
    password = sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not password:
        raise CoronodeError("--ask: type the password, or give it on standard input")
    return password


def _tell_password(password: str) -> None:
    say("temporary password, valid for 24 hours, to be changed at the first sign-in:", err=True)
    say(password)


account.add_command(token)
