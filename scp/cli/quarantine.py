"""`coronode quarantine`: list objects that contradict stored ones, release or delete them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scp.cli.command import Group
from scp.cli.index import open_index, open_store
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.database.engine import Database
    from storage.series.quarantine import Quarantined

_COLUMNS = ("id", "reason", "series", "SOP instance", "UID held by series", "sent by", "received (UTC)")


@click.group(
    cls=Group,
    examples=(
        "coronode quarantine list",
        "coronode quarantine release --series 1.2.840.1.2.3",
        "coronode quarantine delete 12 --yes",
    ),
)
def quarantine() -> None:
    """List, release or delete objects that contradict stored ones."""


@quarantine.command(
    "list", examples=("coronode quarantine list --series 1.2.840.1.2.3", "coronode quarantine list --json")
)
@click.option("--series", "series_instance_uid", help="Only objects of this series.")
@click.option("--limit", default=50, show_default=True, help="Maximum number of rows.")
@json_option
@config_option
def list_(series_instance_uid: str | None, limit: int, config_file: Path | None, *, as_json: bool) -> None:
    """List objects in quarantine, latest first, and why they lie there."""
    from scp.cli.terminal.contradictions import format_reasons
    from storage.series.quarantine import list_quarantined

    with open_index(config_file) as database:
        items = list_quarantined(database, series_instance_uid=series_instance_uid, limit=limit)
    if as_json:
        print_json(map(_list_fields, items))
        return
    print_table(_COLUMNS, map(_format_cells, items))
    for reason in sorted({item.reason for item in items}):
        say(format_reasons([reason]))


@quarantine.command(
    examples=("coronode quarantine release 12 13", "coronode quarantine release --series 1.2.840.1.2.3")
)
@click.argument("numbers", nargs=-1, type=int)
@click.option("--series", "series_instance_uid", help="Every object of this series.")
@config_option
def release(numbers: tuple[int, ...], series_instance_uid: str | None, config_file: Path | None) -> None:
    """Put objects in the place of those that hold their SOP Instance UIDs.

    The released objects belong to their own series from now on, which takes over their attributes; the objects that
    they replace go into quarantine, so that releasing those undoes it. Every series that gains or loses an object
    is scored again, and the new report names the old one as its predecessor. A series that is known in another study
    moves to the study of the released objects, if all of it is released. The node may be running.
    """
    from scp.installation import utc_now
    from storage.intake.release import release as release_objects

    with open_store(config_file) as (database, files):
        for uid, items in _group_by_series(_choose(database, numbers, series_instance_uid)):
            done = release_objects(database, files, items, utc_now())
            say(f"series {uid}: {done.objects} released, {done.replaced} replaced and now in quarantine")
            for emptied in done.emptied:
                say(f"series {emptied}: has no object left")


@quarantine.command(
    examples=("coronode quarantine delete 12 13", "coronode quarantine delete --series 1.2.840.1.2.3 --yes")
)
@click.argument("numbers", nargs=-1, type=int)
@click.option("--series", "series_instance_uid", help="Every object of this series.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def delete(numbers: tuple[int, ...], series_instance_uid: str | None, config_file: Path | None, *, yes: bool) -> None:
    """Delete objects in quarantine for good; what is stored stays as it is."""
    from scp.cli.terminal.contradictions import format_count
    from scp.installation import utc_now
    from storage.intake.release import delete as delete_objects

    with open_store(config_file) as (database, files):
        items = _choose(database, numbers, series_instance_uid)
        if not yes:
            click.confirm(f"delete {format_count(len(items))} for good?", abort=True, err=True)
        delete_objects(database, files, items, utc_now())
        say(f"{format_count(len(items))} deleted")


def _choose(database: Database, numbers: Sequence[int], series_instance_uid: str | None) -> list[Quarantined]:
    """Return the objects that were asked for; raises UsageError unless by number or by series."""
    from storage.series.quarantine import get_quarantined, list_quarantined

    if bool(numbers) == (series_instance_uid is not None):
        raise click.UsageError("give numbers (see coronode quarantine list), or --series UID")
    if series_instance_uid is None:
        return get_quarantined(database, numbers)
    items = list_quarantined(database, series_instance_uid=series_instance_uid, limit=None)
    if not items:
        raise click.ClickException(f"nothing of series {series_instance_uid} lies in quarantine")
    return items


def _group_by_series(items: Sequence[Quarantined]) -> Iterator[tuple[str, list[Quarantined]]]:
    for uid, group in groupby(sorted(items, key=lambda item: item.series_instance_uid), _get_series):
        yield uid, list(group)


def _get_series(item: Quarantined) -> str:
    return item.series_instance_uid


def _format_cells(item: Quarantined) -> tuple[str, ...]:
    return (
        str(item.id),
        item.reason,
        item.series_instance_uid,
        item.sop_instance_uid,
        "the same" if item.held_by == item.series_instance_uid else item.held_by,
        item.calling_ae,
        f"{item.received_at:%Y-%m-%d %H:%M:%S}",
    )


def _list_fields(item: Quarantined) -> dict[str, object]:
    return {
        "id": item.id,
        "reason_code": item.reason,
        "series_instance_uid": item.series_instance_uid,
        "study_instance_uid": item.study_instance_uid,
        "sop_instance_uid": item.sop_instance_uid,
        "held_by_series": item.held_by or None,
        "size": item.size,
        "calling_ae": item.calling_ae,
        "received_at": item.received_at,
    }
