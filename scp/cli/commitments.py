"""`coronode outbox commitments`: what peers asked this node to keep, and whether they were told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.cli.command import Group
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.commitments.commitments import Commitment

_COLUMNS = (
    "id",
    "state",
    "peer",
    "host",
    "objects",
    "not committed",
    "tries",
    "next (UTC)",
    "asked (UTC)",
    "last error",
)


@click.group(cls=Group, examples=("coronode outbox commitments list", "coronode outbox commitments retry --all"))
def commitments() -> None:
    """List the requests for Storage Commitment, or report their results again."""


@commitments.command("list", examples=("coronode outbox commitments list --state dead",))
@click.option("--state", help="Only requests in this state.")
@click.option("--limit", default=50, show_default=True, help="Maximum number of rows.")
@json_option
@config_option
def list_(state: str | None, limit: int, config_file: Path | None, *, as_json: bool) -> None:
    """List requests of peers, newest first."""
    from storage.commitments.commitments import CommitmentState, list_commitments

    try:
        wanted = CommitmentState(state) if state else None
    except ValueError:
        raise click.BadParameter(f"allowed: {', '.join(CommitmentState)}", param_hint="--state") from None
    with open_index(config_file) as database:
        found = list_commitments(database, wanted, limit=limit)
    if as_json:
        print_json(map(_list_fields, found))
    else:
        print_table(_COLUMNS, map(_format_cells, found))


@commitments.command(examples=("coronode outbox commitments retry 7", "coronode outbox commitments retry --all"))
@click.argument("commitment_ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Every dead or waiting one.")
@config_option
def retry(commitment_ids: tuple[int, ...], config_file: Path | None, *, every: bool) -> None:
    """Report results that are dead, or wait for a peer to ask again; a running node does it within seconds."""
    from scp.installation import utc_now
    from storage.commitments import changes
    from storage.commitments.commitments import CommitmentState, list_commitments

    if every == bool(commitment_ids):
        raise click.UsageError("give numbers (see coronode outbox commitments list), or --all")
    with open_index(config_file) as database:
        if every:
            states = (CommitmentState.DEAD, CommitmentState.WAITING)
            found = [item for state in states for item in list_commitments(database, state, limit=None)]
            commitment_ids = tuple(item.id for item in found)
        for commitment_id in commitment_ids:
            changed = changes.retry(database, commitment_id, utc_now())
            say(f"commitment {changed.id} (for {changed.calling_ae}) is {changed.state}")
    if not commitment_ids:
        say("no commitment is dead or waiting")


def _format_cells(item: Commitment) -> tuple[str, ...]:
    return (
        str(item.id),
        item.state,
        item.calling_ae,
        item.host,
        str(item.reference_count),
        "" if item.failure_count is None else str(item.failure_count),
        str(item.attempts),
        f"{item.next_attempt_at:%H:%M:%S}" if item.state == "pending" else "",
        f"{item.created_at:%Y-%m-%d %H:%M:%S}",
        item.last_error,
    )


def _list_fields(item: Commitment) -> dict[str, object]:
    return {
        "id": item.id,
        "state": item.state,
        "peer": item.calling_ae,
        "host": item.host,
        "transaction_uid": item.transaction_uid,
        "objects": item.reference_count,
        "not_committed": item.failure_count,
        "attempts": item.attempts,
        "next_attempt_at": item.next_attempt_at if item.state == "pending" else None,
        "asked_at": item.created_at,
        "reported_at": item.reported_at,
        "last_error": item.last_error,
    }
