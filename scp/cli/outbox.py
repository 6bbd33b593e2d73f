"""`coronode outbox`: list deliveries, retry or discard them, pause and resume destinations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.cli.command import Group
from scp.cli.commitments import commitments
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from datetime import datetime

    from storage.database.engine import Database
    from storage.outbox.deliveries import Delivery

    Change = Callable[[Database, int, datetime], Delivery]

_EVERY = 1_000_000
_COLUMNS = ("id", "state", "document", "to", "tries", "next (UTC)", "series", "last error")


@click.group(
    cls=Group,
    examples=("coronode outbox list --state dead", "coronode outbox retry --all", "coronode outbox pause PACS"),
)
def outbox() -> None:
    """List, retry or discard deliveries; pause and resume destinations."""


outbox.add_command(commitments)


@outbox.command("list", examples=("coronode outbox list", "coronode outbox list --state dead --json"))
@click.option("--state", help="Only deliveries in this state.")
@click.option("--limit", default=50, show_default=True, help="Maximum number of rows.")
@json_option
@config_option
def list_(state: str | None, limit: int, config_file: Path | None, *, as_json: bool) -> None:
    """List deliveries, newest first, and the destinations that are paused."""
    from storage.outbox.deliveries import DeliveryState, list_deliveries
    from storage.outbox.pauses import list_pauses

    try:
        wanted = DeliveryState(state) if state else None
    except ValueError:
        raise click.BadParameter(f"allowed: {', '.join(DeliveryState)}", param_hint="--state") from None
    with open_index(config_file) as database:
        deliveries = list_deliveries(database, wanted, limit=limit)
        pauses = list_pauses(database)
    if as_json:
        print_json(map(_list_fields, deliveries))
    else:
        print_table(_COLUMNS, map(_format_cells, deliveries))
        for item in pauses:
            by = f" by {item.person}" if item.person else ""
            say(f"{item.destination} is paused since {item.since:%Y-%m-%d %H:%M} UTC{by}: nothing is sent to it")


@outbox.command(examples=("coronode outbox retry 12 13", "coronode outbox retry --all"))
@click.argument("delivery_ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Every dead delivery.")
@config_option
def retry(delivery_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    """Send again what is dead, discarded or uncommitted; a running node does it within seconds."""
    from storage.outbox import outgoing

    _change(outgoing.retry, delivery_ids, config_file, every=every)


@outbox.command(examples=("coronode outbox discard 12",))
@click.argument("delivery_ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Every dead delivery.")
@config_option
def discard(delivery_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    """Give up deliveries for good; the documents stay on this node and can be queried."""
    from storage.outbox import outgoing

    _change(outgoing.discard, delivery_ids, config_file, every=every)


@outbox.command(examples=("coronode outbox pause PACS",))
@click.argument("destination")
@config_option
def pause(destination: str, config_file: Path | None) -> None:
    """Send nothing more to DESTINATION (its name in the configuration) until it is resumed; its documents wait."""
    from config.load import load
    from scp.installation import utc_now
    from storage.outbox import pauses

    peers = load(config_file).peers
    if destination not in peers:
        raise click.BadParameter(f"{destination!r}; allowed: {', '.join(sorted(peers)) or 'none is configured'}")
    with open_index(config_file) as database:
        is_news = pauses.pause(database, destination, utc_now())
    say(f"{destination} is {'' if is_news else 'already '}paused; coronode outbox resume {destination} goes on")


@outbox.command(examples=("coronode outbox resume PACS",))
@click.argument("destination")
@config_option
def resume(destination: str, config_file: Path | None) -> None:
    """Go on sending to DESTINATION; a running node starts within seconds."""
    from scp.installation import utc_now
    from storage.outbox import pauses

    with open_index(config_file) as database:
        is_news = pauses.resume(database, destination, utc_now())
    say(f"{destination} {'is resumed' if is_news else 'was not paused'}")


def _change(change: Change, delivery_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    from scp.installation import utc_now
    from storage.outbox.deliveries import DeliveryState, list_deliveries

    if every == bool(delivery_ids):
        raise click.UsageError("give delivery numbers (see coronode outbox list), or --all")
    with open_index(config_file) as database:
        if every:
            dead = list_deliveries(database, DeliveryState.DEAD, limit=_EVERY)
            delivery_ids = tuple(item.id for item in dead)
        for delivery_id in delivery_ids:
            changed = change(database, delivery_id, utc_now())
            say(f"delivery {changed.id} ({changed.kind} to {changed.destination}) is {changed.state}")
    if not delivery_ids:
        say("there is no dead delivery")


def _format_cells(item: Delivery) -> tuple[str, ...]:
    return (
        str(item.id),
        item.state,
        item.kind,
        item.destination,
        str(item.attempts),
        _format_next(item),
        item.series_instance_uid,
        item.last_error,
    )


def _format_next(item: Delivery) -> str:
    """Say when a document is sent, or asked about."""
    moment = item.next_attempt_at if item.state == "pending" else item.commit_at
    return "" if moment is None else f"{moment:%H:%M:%S}"


def _list_fields(item: Delivery) -> dict[str, object]:
    return {
        "id": item.id,
        "state": item.state,
        "document": item.kind,
        "destination": item.destination,
        "attempts": item.attempts,
        "next_attempt_at": item.next_attempt_at if item.state == "pending" else None,
        "series_instance_uid": item.series_instance_uid,
        "sop_instance_uid": item.sop_instance_uid,
        "version": item.version,
        "last_error": item.last_error,
        "last_status": item.last_status,
        "transaction_uid": item.transaction_uid or None,
        "commit_at": item.commit_at,
    }
