"""`coronode validate go-live | withdraw | release | forget`: decisions of people, each in the audit log."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.load import load
from scp.cli.command import Command
from scp.cli.index import open_store
from scp.cli.options import config_option
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from scp.installation import Installation


@click.command(
    "go-live",
    cls=Command,
    examples=('coronode validate go-live --name "Dr. A. Weber" --reason "kappa 0.91 in 120 scans"',),
)
@click.option("--name", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why; it is kept with the figures of this moment.")
@config_option
def go_live(name: str, reason: str, config_file: Path | None) -> None:
    """Decide that results are sent from now on; those held back so far stay held."""
    from scp.validating import figures, standing

    with _open(config_file) as installation:
        standing.go_live(installation, figures.assess_stored(installation), name=name, reason=reason, person=_caller())
        held = standing.find_standing(installation).held
    say("live: what is scored from now on is sent")
    if held:
        say(f"{held} results held back before stay held; `coronode validate release` sends them")


@click.command(
    cls=Command, examples=('coronode validate withdraw --name "Dr. A. Weber" --reason "new kernel on CT 2"',)
)
@click.option("--name", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why.")
@config_option
def withdraw(name: str, reason: str, config_file: Path | None) -> None:
    """Take the decision to go live back: results are held back again."""
    from scp.validating import standing

    with _open(config_file) as installation:
        standing.withdraw(installation, name=name, reason=reason, person=_caller())
    say("withdrawn: what is scored from now on is held back; what was sent stays sent")


@click.command(
    cls=Command, examples=("coronode validate release 1.2.840.1.2.3", "coronode validate release --all --yes")
)
@click.argument("series_instance_uids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every result that is held back.")
@click.option("--yes", is_flag=True, help="With --all: do not ask.")
@config_option
def release(series_instance_uids: tuple[str, ...], config_file: Path | None, *, every: bool, yes: bool) -> None:
    """Release results that are held back: the node sends them within seconds."""
    from storage.validation import holding

    if every == bool(series_instance_uids):
        raise click.UsageError("give Series Instance UIDs, or --all")
    with _open(config_file) as installation:
        database = installation.database
        if every and not yes:
            click.confirm(f"release {holding.count_held(database)} results?", abort=True, err=True)
        wanted = None if every else series_instance_uids
        released = holding.release(database, installation.clock(), series_instance_uids=wanted, person=_caller())
    say(f"{len(released)} results released")
    missing = [uid for uid in series_instance_uids if uid not in released]
    for uid in missing:
        say(f"coronode: series {uid} has no result that is held back", err=True)
    if missing:
        raise SystemExit(1)


@click.command(cls=Command, examples=("coronode validate forget week-1.csv",))
@click.argument("source")
@config_option
def forget(source: str, config_file: Path | None) -> None:
    """Take back the readings of a source that was recorded by mistake."""
    from scp.validating import intake
    from storage.validation import readings

    with _open(config_file) as installation:
        count = intake.take_back(installation, source, person=_caller())
        known = [one.source for one in readings.list_sources(installation.database)]
    if not count:
        raise click.ClickException(f"no readings of {source!r} are recorded; sources: {', '.join(known) or 'none'}")
    say(f"{count} readings taken back")


@contextmanager
def _open(config_file: Path | None) -> Iterator[Installation]:
    from scp.installation import Installation

    settings = load(config_file)
    with open_store(config_file) as (database, files):
        yield Installation(settings, database, files)


def _caller() -> str:
    """The account of the machine from which the command is run, for the audit."""
    try:
        return f"shell:{getpass.getuser()}"
    except (KeyError, OSError):
        return "shell"
