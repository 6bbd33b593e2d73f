"""`coronode series` and `coronode outbox`: what came, what became of it, and what an operator can do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import ConfigurationError
from config.load import load
from scp.cli.options import config_option

if TYPE_CHECKING:
    from rich.table import Table

    from storage.database.engine import Database
    from storage.outbox.deliveries import Delivery


@contextmanager
def _database(config_file: Path | None) -> Iterator[Database]:
    from storage.database.opening import database_file, open_database

    settings = load(config_file)
    file = database_file(settings)
    if file is not None and not file.exists():
        raise ConfigurationError(
            f"no node has run here: there is no {file}; name the node's configuration with --config FILE"
        )
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def _print(table: Table) -> None:
    from rich.console import Console

    console = Console()
    Console(width=console.width if console.is_terminal else 220).print(table)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


@click.group()
def series() -> None:
    """What came, its state, why it was not scored."""


@series.command("list", epilog="Example: coronode series list --state not_scorable")
@click.option("--state", help='Only series in this state ("kept": what was made here).')
@click.option("--limit", default=50, show_default=True, help="At most so many, the latest first.")
@config_option
def list_(state: str | None, limit: int, config_file: Path | None) -> None:
    """List series, the latest first."""
    from storage.series import results, states

    try:
        wanted = states.State(state) if state else None
    except ValueError:
        raise click.BadParameter(f"allowed: {', '.join(states.State)}", param_hint="--state") from None
    table = _table("series", "state", "images", "Agatston", "received (UTC)", "note")
    with _database(config_file) as database:
        hidden = states.State.KEPT if wanted is None else None
        for item in states.list_series(database, wanted, without=hidden, limit=limit):
            result = results.get(database, item.series_instance_uid)
            total = _total(result.score_json) if result is not None and item.state in states.REPORTED else ""
            table.add_row(
                item.series_instance_uid,
                item.state,
                str(item.instance_count),
                total,
                f"{item.last_received_at:%Y-%m-%d %H:%M:%S}",
                item.reason or item.wait_reason or "; ".join(item.flags),
            )
    _print(table)


@series.command(epilog="Example: coronode series show 1.2.840.1.2.3")
@click.argument("series_instance_uid")
@click.option("--json", "as_json", is_flag=True, help="The stored score as JSON, nothing else.")
@config_option
def show(series_instance_uid: str, config_file: Path | None, *, as_json: bool) -> None:
    """Show one series: state, reason, result, deliveries, history."""
    from storage.database import audit
    from storage.outbox import deliveries
    from storage.series import results, states

    with _database(config_file) as database:
        item = states.get(database, series_instance_uid)
        result = results.get(database, series_instance_uid)
        if as_json:
            if result is None or not result.score_json:
                raise click.ClickException(f"series {series_instance_uid} has no result yet; it is {item.state}")
            click.echo(result.score_json)
            return
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
        if result is not None and result.status == "scored":
            _show_score(result.score_json)
        for line, count in Counter(
            map(_delivery_line, deliveries.list_deliveries(database, series_instance_uid=series_instance_uid))
        ).items():
            click.echo(f"{'delivery:':13}{line}{_times(count)}")
        events = reversed(audit.events(database, series_instance_uid=series_instance_uid))
        for line, same in groupby(f"{event.at:%Y-%m-%d %H:%M} {event.kind} {event.text}" for event in events):
            click.echo(f"{'event:':13}{line}{_times(len(list(same)))}")


@series.command(epilog="Example: coronode series rescore 1.2.840.1.2.3")
@click.argument("series_instance_uid")
@config_option
def rescore(series_instance_uid: str, config_file: Path | None) -> None:
    """Score a series again; the running node takes it up within seconds."""
    from scp.installation import utc_now
    from storage.series import lifecycle

    with _database(config_file) as database:
        lifecycle.rescore(database, series_instance_uid, utc_now())
    click.echo("the series will be scored again; its new report will name the old one")


@click.group()
def outbox() -> None:
    """What is to be delivered, to whom, and how it went."""


@outbox.command("list", epilog="Example: coronode outbox list --state dead")
@click.option("--state", help="Only deliveries in this state.")
@click.option("--limit", default=50, show_default=True, help="At most so many, the latest first.")
@config_option
def list_outbox(state: str | None, limit: int, config_file: Path | None) -> None:
    """List deliveries, the latest first."""
    from storage.outbox import deliveries

    try:
        wanted = deliveries.DeliveryState(state) if state else None
    except ValueError:
        raise click.BadParameter(f"allowed: {', '.join(deliveries.DeliveryState)}", param_hint="--state") from None
    table = _table("id", "state", "document", "to", "tries", "next (UTC)", "series", "last error")
    with _database(config_file) as database:
        for item in deliveries.list_deliveries(database, wanted, limit=limit):
            waiting = item.state == deliveries.DeliveryState.PENDING
            table.add_row(
                str(item.id),
                item.state,
                item.kind,
                item.destination,
                str(item.attempts),
                f"{item.next_attempt_at:%H:%M:%S}" if waiting else "",
                item.series_instance_uid,
                item.last_error,
            )
    _print(table)


@outbox.command(epilog="Example: coronode outbox retry 12 13    (or: coronode outbox retry --all)")
@click.argument("delivery_ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Every dead delivery.")
@config_option
def retry(delivery_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    """Try dead or discarded deliveries again; the running node sends them within seconds."""
    _change("retry", delivery_ids, config_file, every=every)


@outbox.command(epilog="Example: coronode outbox discard 12")
@click.argument("delivery_ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Every dead delivery.")
@config_option
def discard(delivery_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    """Give deliveries up for good; the documents stay here and can be queried."""
    _change("discard", delivery_ids, config_file, every=every)


def _change(what: str, delivery_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    from scp.installation import utc_now
    from storage.outbox import deliveries, outgoing

    if every == bool(delivery_ids):
        raise click.UsageError("give the numbers of deliveries (coronode outbox list), or --all")
    change = outgoing.retry if what == "retry" else outgoing.discard
    with _database(config_file) as database:
        if every:
            dead = deliveries.list_deliveries(database, deliveries.DeliveryState.DEAD, limit=1_000_000)
            delivery_ids = tuple(item.id for item in dead)
        for delivery_id in delivery_ids:
            changed = change(database, delivery_id, utc_now())
            click.echo(f"delivery {changed.id} ({changed.kind} to {changed.destination}) is {changed.state}")
    if not delivery_ids:
        click.echo("no delivery is dead")


def _delivery_line(item: Delivery) -> str:
    error = f": {item.last_error}" if item.last_error else ""
    where = f"{item.kind} to {item.destination}, version {item.version}"
    return f"{where}: {item.state} after {item.attempts} attempt{'s' if item.attempts != 1 else ''}{error}"


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def _total(score_json: str) -> str:
    agatston = json.loads(score_json)["agatston"] if score_json else None
    return "" if agatston is None else f"{agatston['total']:.1f}"


def _show_score(score_json: str) -> None:
    from scoring.report.common import context
    from scoring.result import ARTERIES, Score

    score = Score.from_json(score_json)
    if score.agatston is None:
        return
    arteries = ", ".join(f"{artery} {score.agatston.of(artery):.1f}" for artery in ARTERIES)
    click.echo(f"{'Agatston:':13}{score.agatston.total:.1f} ({arteries}); category {score.category}")
    click.echo(f"{'percentile:':13}{context.percentile(score).removeprefix('Percentile: ')}")
    for number, line in enumerate(context.change(score)):
        name = "" if number else "change:"
        click.echo(f"{name:13}{line.removeprefix('Change: ').removeprefix('Change ')}")
    for flag in score.flags:
        click.echo(f"{'flag:':13}{flag.severity}: {flag.message}")
