"""`coronode group`: the processes that work on one index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.cli.command import Command
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table

if TYPE_CHECKING:
    from storage.group.in_hand import InHand

_COLUMNS = (
    "member",
    "host",
    "pid",
    "roles",
    "version",
    "since (UTC)",
    "beat",
    "duties",
    "associations",
    "sending",
    "reporting",
)


@click.command(cls=Command, examples=("coronode group", "coronode group --json"))
@json_option
@config_option
def group(config_file: Path | None, *, as_json: bool) -> None:
    """List the processes that work on the index, the longest first, with what each has in hand.

    The beat of a process rises every few seconds while it lives. One that shows no life is taken out by the others
    within 30 seconds, and they go on with its work.
    """
    from storage.group.in_hand import list_in_hand

    with open_index(config_file) as database:
        found = list_in_hand(database)
    if as_json:
        print_json(map(_list_fields, found))
    else:
        print_table(_COLUMNS, map(_format_cells, found))


def _list_fields(item: InHand) -> dict[str, object]:
    member = item.member
    return {
        "member": member.id,
        "host": member.host,
        "pid": member.pid,
        "roles": list(member.roles),
        "version": member.version,
        "joined_at": member.joined_at,
        "beat": member.beat,
        "duties": list(item.duties),
        "associations": item.associations,
        "sending": item.deliveries,
        "reporting": item.commitments,
    }


def _format_cells(item: InHand) -> tuple[str, ...]:
    member = item.member
    return (
        member.id,
        member.host,
        str(member.pid),
        " ".join(member.roles),
        member.version,
        f"{member.joined_at:%Y-%m-%d %H:%M:%S}",
        str(member.beat),
        " ".join(item.duties),
        str(item.associations),
        str(item.deliveries),
        str(item.commitments),
    )
