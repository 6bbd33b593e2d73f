"""`coronode retention`: what the rules would delete, and deleting it now."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from config.load import load
from scp.cli.command import Group
from scp.cli.index import open_index, open_store
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.retention.rules import Policy
    from storage.retention.selection import Candidate

_COLUMNS: Final = ("rule", "series", "state", "objects", "bytes", "last change (UTC)", "left because")
_TRIES: Final = 20
_WORDS: Final = {
    "unfinished": "it is being received or scored, or its result is not delivered everywhere",
    "reviewed": "a reader has a review of it open",
    "held": "its result is held back",
    "uncommitted": "a destination has not committed to its documents",
    "promised": "a peer was told that it is kept (retention.promised_days)",
}


@click.group(cls=Group, examples=("coronode retention show", "coronode retention run --yes"))
def retention() -> None:
    """Show what is due for deletion, or delete it now."""


@retention.command(examples=("coronode retention show", "coronode retention show --json"))
@click.option("--due", is_flag=True, help="Only what would be deleted now.")
@json_option
@config_option
def show(config_file: Path | None, *, due: bool, as_json: bool) -> None:
    """List what is old enough for a rule of `[retention]`, and why some of it is left. Deletes nothing."""
    from scp.installation import utc_now
    from storage.retention.selection import list_candidates

    policy = _read_policy(config_file, by_disk=True)
    with open_index(config_file) as database:
        found = [one for one in list_candidates(database, policy, utc_now()) if not (due and one.holds)]
    if as_json:
        print_json(map(_list_fields, found))
        return
    print_table(_COLUMNS, map(_format_cells, found))
    for hold in sorted({hold for one in found for hold in one.holds}):
        say(f"{hold}: {_WORDS[hold]}")
    counted = Counter(one.kind for one in found if not one.holds)
    say("; ".join(f"{kind}: {number} series due" for kind, number in counted.items()) or "no series is due")


@retention.command("run", examples=("coronode retention run --yes",))
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def run_(config_file: Path | None, *, yes: bool) -> None:
    """Delete what is due by age now, also while the node waits because the clock has jumped.

    The node may be running.
    """
    from scp import logs
    from scp.installation import utc_now
    from scp.retention.sweep import Sweep
    from storage.database.remains import empty_log
    from storage.retention.selection import list_candidates

    policy = _read_policy(config_file)
    logs.configure("warning")
    with open_store(config_file) as (database, files):
        number = sum(not one.holds for one in list_candidates(database, policy, utc_now()))
        if not yes:
            click.confirm(
                f"delete what is due of {number} series, by this machine's clock ({utc_now():%Y-%m-%d %H:%M} UTC)?",
                abort=True,
                err=True,
            )
        sweep = Sweep(database, files, policy, clock=utc_now, may_go_on=lambda: True)
        sweep.delete_old()
        empty_log(database, tries=_TRIES)
    for kind, deleted in sweep.swept.by_kind.items():
        say(f"{kind}: {deleted.series} series, {deleted.objects} objects, {deleted.bytes} bytes deleted")
    if not sweep.swept.by_kind:
        say("nothing is due")


def _read_policy(config_file: Path | None, *, by_disk: bool = False) -> Policy:
    """Read the rules; `by_disk` with those of a full disk, by which every delivered series of a day ago is due."""
    from dataclasses import replace

    from scp.retention.policy import make_policy
    from storage.retention.rules import YOUNGEST

    settings = load(config_file)
    policy = make_policy(settings)
    if by_disk and settings.retention.high_percent is not None:
        policy = replace(policy, images=YOUNGEST)
    if not any(policy.list_rules()):
        raise click.ClickException("[retention] sets no age: nothing is ever deleted by one (docs/retention.md)")
    return policy


def _format_cells(one: Candidate) -> tuple[str, ...]:
    return (
        one.kind,
        one.series_instance_uid,
        one.state,
        str(one.objects),
        str(one.bytes),
        f"{one.touched_at:%Y-%m-%d %H:%M}",
        ", ".join(one.holds),
    )


def _list_fields(one: Candidate) -> dict[str, Any]:
    return {
        "rule": one.kind,
        "series_instance_uid": one.series_instance_uid,
        "study_instance_uid": one.study_instance_uid,
        "state": one.state,
        "objects": one.objects,
        "bytes": one.bytes,
        "last_received_at": one.received_at,
        "last_change_at": one.touched_at,
        "left_because": list(one.holds),
    }
