"""`coronode fetch`: studies of an archive, selected before any image is moved, into the node's own store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from config.load import load
from scp.cli.command import Command
from scp.cli.fetch_requests import list_requests
from scp.cli.options import config_option, find_peer, json_option
from scp.fetching.limits import Hours, RateLimit
from scp.fetching.selection import FEWEST_SLICES, MOST_SLICES
from scp.fetching.table import COLUMNS
from scp.fetching.wanted import parse_day, parse_days, parse_identifier, parse_uid

_MOST_PARALLEL: Final = 8
_GIVE_UP_SECONDS: Final = 3600.0
_SILENT_SECONDS: Final = 300.0


class _Text(click.ParamType[Any]):
    """A value that a function parses, which raises ValueError with what is allowed."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse a value; one that a default has made stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    cls=Command,
    examples=(
        "coronode fetch PACS --study 1.2.840.113619.2.1",
        "coronode fetch PACS --csv chests.csv --out outcomes.csv --exclude '*lung*' --hours 22:00-06:00",
        "coronode fetch PACS --since 2026-01-01 --dry-run",
    ),
)
@click.argument("peer")
@click.option("--study", "studies", multiple=True, type=_Text("UID", parse_uid), help="Study Instance UID; repeatable.")
@click.option(
    "--accession",
    "accessions",
    multiple=True,
    type=_Text("NUMBER", parse_identifier),
    help="Accession number; repeatable.",
)
@click.option(
    "--patient", "patients", multiple=True, type=_Text("ID", parse_identifier), help="Patient ID; repeatable."
)
@click.option(
    "--date", "days", type=_Text("DATE[-DATE]", parse_days), help="Only studies of this day, or of these days."
)
@click.option("--since", type=_Text("DATE", parse_day), help="Only studies from this day on.")
@click.option(
    "--csv",
    "table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File with a study in each line; the first line names its columns: {', '.join(COLUMNS)}.",
)
@click.option("--include", multiple=True, metavar="GLOB", help="Only series with such a description; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No series with such a description; repeatable.")
@click.option("--minimum-slices", default=FEWEST_SLICES, show_default=True, type=click.IntRange(0), help="Of a series.")
@click.option("--maximum-slices", default=MOST_SLICES, show_default=True, type=click.IntRange(1), help="Of a series.")
@click.option(
    "--method",
    type=click.Choice(["auto", "get", "move"]),
    help="C-GET or C-MOVE; by default as peers.NAME.retrieve says.",
)
@click.option(
    "--rate", type=_Text("RATE", RateLimit.parse), help="At most so much a second: objects (20) or bytes (5MB)."
)
@click.option("--hours", type=_Text("HH:MM-HH:MM", Hours.parse), help="Begin studies only in these hours, local time.")
@click.option("--limit", type=click.IntRange(1), help="Stop when so many studies have been fetched.")
@click.option(
    "--parallel", default=1, show_default=True, type=click.IntRange(1, _MOST_PARALLEL), help="Studies at a time."
)
@click.option(
    "--timeout",
    default=_SILENT_SECONDS,
    show_default=True,
    type=click.FloatRange(1),
    help="Seconds until a silent peer is taken to have failed.",
)
@click.option(
    "--give-up-after",
    default=_GIVE_UP_SECONDS,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds to wait for a peer that is away.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV of outcomes, a line a study; an existing one goes on.",
)
@click.option("--retry-failed", is_flag=True, help="With --out: try again what an earlier run did not bring.")
@click.option("--dry-run", is_flag=True, help="List what would be fetched, and why the rest would not; fetch nothing.")
@json_option
@config_option
def fetch(
    peer: str,
    studies: tuple[str, ...],
    accessions: tuple[str, ...],
    patients: tuple[str, ...],
    days: str | None,
    since: date | None,
    table: Path | None,
    config_file: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Fetch CT series from PEER, a name from the configuration, into the node's store.

    Studies are found by C-FIND; of each, the CT series that fit are fetched by C-GET, or by C-MOVE to the node. C-GET
    needs no running node; a running node scores what comes, and one that is started later scores it then. What is here
    is not fetched again, so that a run that was interrupted goes on when the same command is given again. The last
    line, or --json, says what became of all; exit status 1 when something that was asked for is not here.
    """
    if options["retry_failed"] and options["out"] is None:
        raise click.UsageError("--retry-failed needs the --out FILE of the earlier run")
    if dry_run and options["out"] is not None:
        raise click.UsageError("--dry-run writes no --out FILE")
    requests = list_requests(studies, accessions, patients, days, since, table)
    settings = load(config_file)
    target = find_peer(settings, peer)
    from scp.cli import fetch_run

    name = next(name for name, known in settings.peers.items() if known is target)
    plan = fetch_run.Plan(settings, name, target, **options)
    is_good = (fetch_run.show_choices if dry_run else fetch_run.run)(plan, requests, as_json=as_json)
    if not is_good:
        raise SystemExit(1)
