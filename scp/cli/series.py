"""`coronode series`: list and show received series, and score them again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.cli.command import Group
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table

if TYPE_CHECKING:
    from storage.database.engine import Database
    from storage.outbox.deliveries import Delivery
    from storage.series.states import SeriesState

_COLUMNS = ("series", "state", "images", "Agatston", "received (UTC)", "note")


@click.group(
    cls=Group,
    examples=("coronode series list", "coronode series show 1.2.840.1.2.3", "coronode series rescore 1.2.840.1.2.3"),
)
def series() -> None:
    """List, show or rescore received series."""


@series.command("list", examples=("coronode series list --state not_scorable", "coronode series list --json"))
@click.option("--state", help='Only series in this state ("kept": documents and other objects, never scored).')
@click.option("--limit", default=50, show_default=True, help="Maximum number of rows.")
@json_option
@config_option
def list_(state: str | None, limit: int, config_file: Path | None, *, as_json: bool) -> None:
    """List series, latest first."""
    from storage.series.states import State, list_series

    try:
        wanted = State(state) if state else None
    except ValueError:
        raise click.BadParameter(f"allowed: {', '.join(State)}", param_hint="--state") from None
    hidden = State.KEPT if wanted is None else None
    with open_index(config_file) as database:
        listed = [
            (item, _read_total(database, item)) for item in list_series(database, wanted, without=hidden, limit=limit)
        ]
    if as_json:
        print_json(_list_fields(item, total) for item, total in listed)
    else:
        print_table(_COLUMNS, (_format_cells(item, total) for item, total in listed))


@series.command(examples=("coronode series show 1.2.840.1.2.3", "coronode series show 1.2.840.1.2.3 --json"))
@click.argument("series_instance_uid")
@click.option("--json", "as_json", is_flag=True, help="Print only the stored score, as JSON.")
@config_option
def show(series_instance_uid: str, config_file: Path | None, *, as_json: bool) -> None:
    """Show one series: state, reason, result, deliveries, history."""
    from storage.series import results
    from storage.series.states import get

    with open_index(config_file) as database:
        item = get(database, series_instance_uid)
        result = results.get(database, series_instance_uid)
        if as_json:
            if result is None or not result.score_json:
                raise click.ClickException(f"series {series_instance_uid} has no result yet; it is {item.state}")
            click.echo(result.score_json)
            return
        _show_facts(item)
        if result is not None and result.status == "scored":
            _show_score(result.score_json)
        for line in _format_history(database, series_instance_uid):
            click.echo(line)


@series.command(examples=("coronode series rescore 1.2.840.1.2.3",))
@click.argument("series_instance_uid")
@config_option
def rescore(series_instance_uid: str, config_file: Path | None) -> None:
    """Score a series again; a running node starts within seconds."""
    from scp.installation import utc_now
    from storage.series import lifecycle

    with open_index(config_file) as database:
        lifecycle.rescore(database, series_instance_uid, utc_now())
    click.echo("the series will be scored again; the new report will name the old one as its predecessor")


def _read_total(database: Database, item: SeriesState) -> float | None:
    """Read the Agatston score of a series whose current version is scored."""
    from storage.series import results
    from storage.series.states import REPORTED

    result = results.get(database, item.series_instance_uid) if item.state in REPORTED else None
    agatston = json.loads(result.score_json)["agatston"] if result is not None and result.score_json else None
    return None if agatston is None else float(agatston["total"])


def _format_cells(item: SeriesState, total: float | None) -> tuple[str, ...]:
    return (
        item.series_instance_uid,
        item.state,
        str(item.instance_count),
        "" if total is None else f"{total:.1f}",
        f"{item.last_received_at:%Y-%m-%d %H:%M:%S}",
        item.reason or item.wait_reason or "; ".join(item.flags),
    )


def _list_fields(item: SeriesState, total: float | None) -> dict[str, object]:
    return {
        "series_instance_uid": item.series_instance_uid,
        "study_instance_uid": item.study_instance_uid,
        "state": item.state,
        "reason_code": item.reason_code or None,
        "reason": item.reason or None,
        "version": item.version,
        "modality": item.modality,
        "description": item.description,
        "images": item.instance_count,
        "agatston": total,
        "calling_ae": item.calling_ae,
        "last_received_at": item.last_received_at,
        "wait_until": item.wait_until,
        "wait_reason": item.wait_reason or None,
        "flags": list(item.flags),
    }


def _show_facts(item: SeriesState) -> None:
    facts = {
        "series": item.series_instance_uid,
        "study": item.study_instance_uid,
        "state": item.state,
        "reason": item.reason,
        "waits": f"{item.wait_reason} (until {item.wait_until:%H:%M:%S} UTC)" if item.wait_until else "",
        "found": "; ".join(item.flags),
        "version": str(item.version),
        "images": str(item.instance_count),
        "description": item.description,
        "sent by": item.calling_ae,
        "last image": f"{item.last_received_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    for name, value in facts.items():
        if value:
            click.echo(f"{name + ':':13}{value}")


def _format_history(database: Database, series_instance_uid: str) -> Iterator[str]:
    """List deliveries and events of a series; repeated lines are shown once, with their number."""
    from storage.database import audit
    from storage.outbox.deliveries import list_deliveries

    deliveries = list_deliveries(database, series_instance_uid=series_instance_uid)
    for line, count in Counter(map(_format_delivery, deliveries)).items():
        yield f"{'delivery:':13}{line}{_format_times(count)}"
    events = reversed(audit.list_events(database, series_instance_uid=series_instance_uid))
    for line, same in groupby(f"{event.at:%Y-%m-%d %H:%M} {event.kind} {event.text}" for event in events):
        yield f"{'event:':13}{line}{_format_times(len(list(same)))}"


def _format_delivery(item: Delivery) -> str:
    error = f": {item.last_error}" if item.last_error else ""
    where = f"{item.kind} to {item.destination}, version {item.version}"
    return f"{where}: {item.state} after {item.attempts} attempt{'s' if item.attempts != 1 else ''}{error}"


def _format_times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def _show_score(score_json: str) -> None:
    from scoring.report.common import context
    from scoring.result import ARTERIES, Score

    score = Score.from_json(score_json)
    if score.agatston is None:
        return
    arteries = ", ".join(f"{artery} {score.agatston.of(artery):.1f}" for artery in ARTERIES)
    click.echo(f"{'Agatston:':13}{score.agatston.total:.1f} ({arteries}); category {score.category}")
    click.echo(f"{'percentile:':13}{context.standing(score)}")
    for number, line in enumerate(context.comparison(score)):
        name = "" if number else "change:"
        click.echo(f"{name:13}{line}")
    for flag in score.flags:
        click.echo(f"{'flag:':13}{flag.severity}: {flag.message}")
