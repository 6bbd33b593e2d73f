"""`coronode backup`: index and objects of a node that works, copied so that they agree."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import ConfigurationError, Permanent
from config.load import load
from scp.cli.command import Command
from scp.cli.options import config_option, json_option
from scp.cli.terminal.output import say
from scp.outside_text import escape_json

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.backup.manifest import Manifest
    from storage.backup.taking import Told
    from storage.objects.digest import Pace

_MIB = 1024 * 1024


@click.command(
    cls=Command,
    examples=(
        "coronode backup /backup/coronode",
        "coronode backup /backup/coronode --rate 50 --json",
        "coronode backup --check /backup/coronode",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--check", "check_only", is_flag=True, help="Take none; read every file of the backup that lies there.")
@click.option("--rate", type=click.FloatRange(min=0), default=0, help="Read no more than so many MiB a second.")
@json_option
@config_option
def backup(folder: Path, rate: float, config_file: Path | None, *, check_only: bool, as_json: bool) -> None:
    """Copy index and objects to FOLDER while the node works; a backup that lies there is brought up to date.

    An interrupted backup is no backup: the one before it stays whole until the new one is complete.
    """
    from scp.cli.terminal.count_progress import CountProgress
    from storage.backup.checking import check_backup
    from storage.backup.pace import Pacer

    pace = Pacer(rate * _MIB)
    with CountProgress() as progress:
        if check_only:
            checked = check_backup(folder, told=partial(progress.show, "checking"), pace=pace)
            manifest, damaged, named = checked.manifest, checked.damaged, checked.named
        else:
            manifest = _take(load(config_file), folder, partial(progress.show, "copying"), pace)
            damaged, named = 0, ()
    if as_json:
        text = json.dumps({**asdict(manifest), "damaged": damaged}, indent=2, ensure_ascii=False)
        say(*escape_json(text).split("\n"))
    else:
        say(*_describe(folder, manifest, check_only=check_only))
    for name in named:
        say(f"damaged or missing: {name}", err=True)
    if damaged:
        raise Permanent(f"{folder}: {damaged} objects are damaged or missing; take another backup, into a new folder")
    if manifest.missing:
        raise Permanent(
            f"{folder}: the backup is whole, but {manifest.missing} objects that the index names were not in the "
            "store; see coronode verify"
        )


def _take(settings: Settings, folder: Path, told: Told, pace: Pace) -> Manifest:
    from importlib import metadata

    from config.disclosure import disclose
    from scp.cli.terminal.toml_text import format_toml
    from scp.installation import utc_now
    from scp.privacy import create_closed
    from storage.backup.taking import About, take_backup
    from storage.database.opening import connect_database, database_file
    from storage.series.store import open_store

    create_closed()
    data = settings.node.data_dir.resolve()
    file = database_file(settings)
    if file is not None and not file.exists():
        raise ConfigurationError(f"no node has run here: there is no {file}; name its configuration with --config FILE")
    if folder.resolve() == data or data.is_relative_to(folder.resolve()):
        raise ConfigurationError(f"{folder}: holds the data folder of the node; choose another folder for the backup")
    about = About(
        metadata.version("coronode"), f"{settings.node.ae_title} in {data}", format_toml(disclose(settings)) + "\n"
    )
    database = connect_database(settings)
    try:
        files = open_store(settings, database)
        return take_backup(database, files, folder, about, now=utc_now, told=told, pace=pace)
    finally:
        database.close()


def _describe(folder: Path, manifest: Manifest, *, check_only: bool) -> list[str]:
    whole = (
        f"{folder}: backup of {manifest.origin}, {manifest.taken_at}, version {manifest.version}: "
        f"{manifest.objects} objects, {manifest.object_bytes / _MIB:.1f} MiB"
    )
    if check_only:
        return [whole]
    return [whole, f"copied now: {manifest.copied} objects, {manifest.copied_bytes / _MIB:.1f} MiB"]
