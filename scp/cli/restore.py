"""`coronode restore`: a backup put in place on a machine where no node has worked."""

from __future__ import annotations

from pathlib import Path

import click

from config.errors import CoronodeError
from config.load import load
from scp.cli.command import Command
from scp.cli.options import config_option
from scp.cli.terminal.output import say


@click.command(
    cls=Command,
    examples=(
        "coronode restore /backup/coronode --config /etc/coronode.toml",
        "coronode restore /backup/coronode --to-config coronode.toml",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--to-config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only write the configuration of the backup, without its secrets, to this file.",
)
@config_option
def restore(folder: Path, to_config: Path | None, config_file: Path | None) -> None:
    """Check the backup in FOLDER, then put it in the places that the configuration names; they must be empty.

    The node goes on from the moment of the backup. Results that were delivered since are sent again, under the same
    UIDs, which does no harm; images that came since can be sent again.
    """
    if to_config is not None:
        _write_configuration(folder, to_config)
        return
    from scp.cli.terminal.count_progress import CountProgress
    from scp.lock import DataLock
    from scp.privacy import create_closed
    from storage.backup.restoring import restore_backup

    settings = load(config_file)
    create_closed()
    lock = DataLock(settings.node.data_dir)
    lock.acquire()
    try:
        with CountProgress() as progress:
            restored = restore_backup(folder, settings, told=progress.show)
    finally:
        lock.release()
    manifest = restored.manifest
    say(
        f"restored the backup of {manifest.taken_at}: {manifest.objects} objects into {restored.place}",
        "next: coronode verify --quick, then start the node",
    )


def _write_configuration(folder: Path, target: Path) -> None:
    from storage.backup.checking import read_configuration

    text = read_configuration(folder)
    try:
        with target.open("x", encoding="utf-8") as file:
            target.chmod(0o600)
            file.write(text)
    except FileExistsError:
        raise CoronodeError(f"{target}: already exists and was not changed") from None
    say(f"wrote {target}; next: put its secrets in place of ***, then: coronode config check --config {target}")
