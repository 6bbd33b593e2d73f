"""`coronode database`: the tables of the index, and their upgrade to this version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import Permanent
from config.load import load
from scp.cli.command import Group
from scp.cli.options import config_option
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.database.engine import Database
    from storage.migrations.planning import Plan

_MIB = 1024 * 1024


@click.group(cls=Group, examples=("coronode database check", "coronode database upgrade --dry-run"))
def database() -> None:
    """Check the tables of the index; upgrade them, dry run first."""


@database.command(examples=("coronode database check --config /etc/coronode.toml",))
@config_option
def check(config_file: Path | None) -> None:
    """Say whether the tables are those of this version; exit 1 if they are not."""
    from storage.migrations.planning import plan_upgrade

    with _open(load(config_file)) as index:
        plan = plan_upgrade(index)
    say(*_describe(plan))
    if plan.steps:
        raise SystemExit(1)


@database.command(examples=("coronode database upgrade --dry-run", "coronode database upgrade"))
@click.option("--dry-run", is_flag=True, help="Change nothing: say what it does, and try it on a copy (SQLite).")
@config_option
def upgrade(config_file: Path | None, *, dry_run: bool) -> None:
    """Upgrade the tables to this version, which the node does by itself when it starts; take a backup first."""
    from scp.lock import DataLock
    from scp.privacy import create_closed
    from storage.database.opening import database_file
    from storage.migrations.planning import plan_upgrade

    settings = load(config_file)
    create_closed()
    with _open(settings) as index:
        plan = plan_upgrade(index)
        say(*_describe(plan))
        if not plan.steps:
            return
        if dry_run:
            _try(settings, index)
            return
        if database_file(settings) is not None and DataLock(settings.node.data_dir).is_held():
            raise Permanent("a node is running on this index: stop it, or start the new version, which upgrades it")
        index.migrate()
        say("upgraded")


def _try(settings: Settings, index: Database) -> None:
    from storage.backup.index import copy_index
    from storage.backup.pace import quietly
    from storage.database.opening import list_database_files
    from storage.migrations.planning import try_upgrade

    files = list_database_files(settings)
    if not files:
        say("nothing was changed; a PostgreSQL index is upgraded in one transaction, in whole or not at all")
        return
    seconds = try_upgrade(lambda file: copy_index(index, file, quietly), files[0].parent)
    say(f"a copy was upgraded in {seconds:.1f} s and is sound; the index itself was not changed")


def _describe(plan: Plan) -> list[str]:
    from storage.migrations import HEAD

    if not plan.steps:
        return [f"the tables have revision {plan.revision}: up to date"]
    return [
        f"the tables have revision {plan.revision}, this version has {HEAD}; {len(plan.steps)} steps:",
        *(f"  {revision}  {words}" for revision, words in plan.steps),
        f"the index has {plan.index_bytes / _MIB:.1f} MiB; have {plan.room_bytes / _MIB:.1f} MiB free beside it",
        "there is no way back but a backup: coronode backup FOLDER",
    ]


@contextmanager
def _open(settings: Settings) -> Iterator[Database]:
    from storage.database.opening import connect_database, database_file

    file = database_file(settings)
    if file is not None and not file.exists():
        raise Permanent(f"no node has run here: there is no {file}; name its configuration with --config FILE")
    index = connect_database(settings)
    try:
        yield index
    finally:
        index.close()
