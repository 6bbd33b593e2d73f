"""`coronode series`: list and show received series, score them again, take rejected objects back, delete them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.errors import CoronodeError
from scp.cli import rescoring
from scp.cli.command import Group
from scp.cli.erasing import delete
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from scp.cli.terminal.series_rows import Listed
    from storage.database.engine import Database
    from storage.series.states import SeriesState, State

DISCONTINUED: Final = "acquisition_discontinued"
"""The reason for which a series is scored only if it, or this reason, is named."""


@click.group(
    cls=Group,
    examples=("coronode series list", "coronode series show 1.2.840.1.2.3", "coronode series rescore 1.2.840.1.2.3"),
)
def series() -> None:
    """List, show, rescore, restore or delete received series."""


series.add_command(delete)


@series.command("list", examples=("coronode series list --state not_scorable", "coronode series list --json"))
@click.option(
    "--state",
    help='Only series in this state ("kept": documents and other objects, never scored; "quarantined": nothing of it '
    "was stored).",
)
@click.option("--limit", default=50, show_default=True, help="Maximum number of rows.")
@json_option
@config_option
def list_(state: str | None, limit: int, config_file: Path | None, *, as_json: bool) -> None:
    """List series, latest first."""
    from scp.cli.terminal.series_rows import COLUMNS, QUARANTINED, format_cells, list_fields
    from storage.series.states import State

    try:
        wanted = State(state) if state and state != QUARANTINED else None
    except ValueError:
        raise click.BadParameter(f"allowed: {', '.join([*State, QUARANTINED])}", param_hint="--state") from None
    with open_index(config_file) as database:
        rows = _list_rows(database, wanted, limit, stored=state != QUARANTINED)
    if as_json:
        print_json(map(list_fields, rows))
    else:
        print_table(COLUMNS, map(format_cells, rows))


@series.command(examples=("coronode series show 1.2.840.1.2.3", "coronode series show 1.2.840.1.2.3 --json"))
@click.argument("series_instance_uid")
@click.option("--json", "as_json", is_flag=True, help="Print only the stored score and procedure steps, as JSON.")
@config_option
def show(series_instance_uid: str, config_file: Path | None, *, as_json: bool) -> None:
    """Show one series: state, reason, quarantine, result, deliveries, history."""
    from scp.cli.terminal import procedure_steps, series_facts
    from storage.series import results
    from storage.series.expectations import list_expectations
    from storage.series.quarantine import list_quarantined_series
    from storage.series.refusals import list_missing
    from storage.series.rejections import list_rejected
    from storage.series.sources import find_answer
    from storage.series.states import UnknownSeries, get
    from storage.series.steps import list_steps

    with open_index(config_file) as database:
        aside = list_quarantined_series(database, concerning=series_instance_uid)
        result = results.get(database, series_instance_uid)
        try:
            item = get(database, series_instance_uid)
        except UnknownSeries:
            own = next((entry for entry in aside if entry.series_instance_uid == series_instance_uid), None)
            if own is None or as_json:
                raise
            series_facts.show_missing(own)
        else:
            performed = list_steps(database, series_instance_uid)
            announced = list_expectations(database, series_instance_uid)
            if as_json:
                if result is None or not result.score_json:
                    raise click.ClickException(f"series {series_instance_uid} has no result yet; it is {item.state}")
                say(*procedure_steps.add_to_score(result.score_json, performed, announced).split("\n"))
                return
            series_facts.show_facts(item)
            for line in procedure_steps.describe(performed, announced):
                say(line)
            series_facts.show_quarantine(series_instance_uid, aside)
            series_facts.show_refused(list_missing(database, series_instance_uid))
            series_facts.show_rejected(list_rejected(database, series_instance_uid))
            series_facts.show_source(find_answer(database, series_instance_uid), item.instance_count)
        if result is not None and result.held:
            series_facts.show_held()
        if result is not None and result.status == "scored":
            series_facts.show_score(result.score_json)
        for line in series_facts.format_history(database, series_instance_uid):
            say(line)


@series.command(
    examples=(
        "coronode series rescore 1.2.840.1.2.3 1.2.840.1.2.4",
        "coronode series rescore --all --reason crashed,timeout --dry-run",
        "coronode series rescore --all --state not_scorable --since 2026-03-01 --peer CT1 --yes",
    )
)
@click.argument("series_instance_uids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every series that the following options leave.")
@click.option("--state", "states", callback=rescoring.split, help="Only these states, separated by commas.")
@click.option("--reason", "reasons", callback=rescoring.split, help="Only not scorable for these reason codes.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only received on this day (UTC) or later.")
@click.option("--peer", "calling_ae", help="Only sent by this AE title.")
@click.option("--dry-run", is_flag=True, help="List them and do nothing.")
@click.option("--yes", is_flag=True, help="With --all: do not ask.")
@config_option
def rescore(
    series_instance_uids: tuple[str, ...],
    states: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    calling_ae: str | None,
    config_file: Path | None,
    *,
    every: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Score series again; a running node starts within seconds and takes them one after the other, new ones first.

    A series of a discontinued procedure step is scored if it is named, or with --all --reason acquisition_discontinued.
    """
    if every == bool(series_instance_uids):
        raise click.UsageError("give Series Instance UIDs (see coronode series list), or --all")
    if not every and (states or reasons or since or calling_ae):
        raise click.UsageError("--state, --reason, --since and --peer choose among --all series")
    wanted = rescoring.check_states(states or (("not_scorable",) if reasons else ()))
    with open_index(config_file) as database:
        if every:
            rescoring.check_reasons(database, reasons)
            found = rescoring.find(database, wanted, reasons, since, calling_ae)
            series_instance_uids = tuple(item.series_instance_uid for item in found)
            if dry_run:
                print_table(("series", "state", "reason"), [_format_brief(item) for item in found])
        if dry_run or not series_instance_uids:
            say(f"{len(series_instance_uids)} series would be scored again")
            return
        if every and not yes:
            click.confirm(f"score {len(series_instance_uids)} series again?", abort=True, err=True)
        overrule = not every or DISCONTINUED in reasons
        failed = _rescore(database, series_instance_uids, overrule=overrule)
    done = len(series_instance_uids) - failed
    if done:
        say(f"{done} series will be scored again; each new report will name the old one as its predecessor")
    if failed:
        raise SystemExit(1)


@series.command(examples=("coronode series restore 1.2.840.1.2.3",))
@click.argument("series_instance_uids", nargs=-1, required=True)
@config_option
def restore(series_instance_uids: tuple[str, ...], config_file: Path | None) -> None:
    """Take back what a rejection note took out of a series: it is scored, found and retrieved again."""
    from scp.installation import utc_now
    from storage.series import rejecting

    failed = 0
    with open_index(config_file) as database:
        for uid in series_instance_uids:
            try:
                count = rejecting.restore(database, uid, utc_now())
            except CoronodeError as error:
                failed += 1
                say(f"coronode: {error}", err=True)
            else:
                say(f"series {uid}: {count} object{'s' if count > 1 else ''} restored")
    if failed:
        raise SystemExit(1)


def _rescore(database: Database, series_instance_uids: Sequence[str], *, overrule: bool) -> int:
    """Return series to receiving one after the other, and count those for which that was not possible.

    With `overrule` they are scored although the scanner reported a procedure step as discontinued.
    """
    from scp.installation import utc_now
    from storage.series import lifecycle, step_changes

    failed = 0
    with click.progressbar(series_instance_uids, file=sys.stderr, hidden=not sys.stderr.isatty()) as progress:
        for uid in progress:
            try:
                if overrule:
                    step_changes.overrule(database, uid)
                lifecycle.rescore(database, uid, utc_now())
            except CoronodeError as error:
                failed += 1
                say(f"coronode: {error}", err=True)
    return failed


def _format_brief(item: SeriesState) -> tuple[str, ...]:
    return item.series_instance_uid, item.state, item.reason_code


def _list_rows(database: Database, wanted: State | None, limit: int, *, stored: bool) -> list[Listed]:
    """List series latest first; without a wanted state also those that lie in quarantine as a whole."""
    from scp.cli.terminal.series_rows import Listed
    from storage.series.quarantine import list_quarantined_series
    from storage.series.states import State, list_series

    hidden = State.KEPT if wanted is None else None
    aside = {entry.series_instance_uid: entry for entry in list_quarantined_series(database)}
    items = list_series(database, wanted, without=hidden, limit=limit) if stored else []
    rows = [Listed(item, _read_total(database, item), aside.get(item.series_instance_uid)) for item in items]
    if wanted is None:
        rows += [Listed(None, aside=entry) for entry in aside.values() if not entry.known]
    return sorted(rows, key=lambda row: row.last_received_at, reverse=True)[:limit]


def _read_total(database: Database, item: SeriesState) -> float | None:
    """Read the Agatston score of a series whose current version is scored."""
    from storage.series import results
    from storage.series.states import REPORTED

    result = results.get(database, item.series_instance_uid) if item.state in REPORTED else None
    agatston = json.loads(result.score_json)["agatston"] if result is not None and result.score_json else None
    return None if agatston is None else float(agatston["total"])
