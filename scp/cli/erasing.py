"""`coronode series delete`: erase series, a study or a patient on request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from scp.cli.command import Command
from scp.cli.index import open_store
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json, print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.database.engine import Database
    from storage.retention.erasing import Whole

_COLUMNS: Final = (
    "series",
    "state",
    "modality",
    "objects",
    "made here",
    "quarantined",
    "results",
    "reviews",
    "readings",
    "deliveries",
)
_LEFT: Final = (
    "What stays: entries with UIDs in the audit log, what a PACS has got already, backups, the files of outcomes of "
    "`coronode fetch`, and cases of a calibration, which name no patient."
)
_TRIES: Final = 20
_READ: Final = (
    "somebody reads the index: its write-ahead log still has what was deleted; the running node empties it within "
    "minutes, or the last program that uses the index when it ends"
)


@click.command(
    "delete",
    cls=Command,
    examples=(
        "coronode series delete 1.2.840.1.2.3",
        "coronode series delete --patient-id 4711 --yes",
        "coronode series delete --study 1.2.840.1.2 --keep-result --yes",
    ),
)
@click.argument("series_instance_uids", nargs=-1)
@click.option("--study", "studies", multiple=True, help="Every series of this study (Study Instance UID); repeatable.")
@click.option("--patient-id", help="Every series of the patient with this ID.")
@click.option("--issuer", help="With --patient-id: only of this issuer (Issuer of Patient ID).")
@click.option("--keep-result", is_flag=True, help="Delete the images alone; results, reports and readings stay.")
@click.option("--force", is_flag=True, help="Also what is being received, scored, sent or reviewed: that work ends.")
@click.option("--yes", is_flag=True, help="Delete. Without it the command says what it would delete.")
@json_option
@config_option
def delete(
    series_instance_uids: tuple[str, ...],
    studies: tuple[str, ...],
    patient_id: str | None,
    issuer: str | None,
    config_file: Path | None,
    *,
    keep_result: bool,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete series for good, with everything of them; says first what that is. The node may be running.

    Images, quarantine, results, reviews, readings, reports, deliveries and the patient's data in the index go. A series
    that is in hand is left, and the exit status is 1, unless --force ends that work.
    """
    from scp.installation import utc_now
    from storage.database.remains import empty_log
    from storage.retention.erasing import find_wholes
    from storage.series import removals

    if not (series_instance_uids or studies or patient_id is not None):
        raise click.UsageError("give Series Instance UIDs (see coronode series list), --study UID or --patient-id ID")
    if issuer is not None and patient_id is None:
        raise click.UsageError("--issuer belongs to --patient-id")
    with open_store(config_file) as (database, files):
        wholes = find_wholes(
            database, series=series_instance_uids, studies=studies, patient_id=patient_id, issuer=issuer
        )
        if not wholes:
            raise click.ClickException("nothing of that is here; nothing was deleted")
        left = [] if force else [whole for whole in wholes if whole.in_hand]
        due = [whole for whole in wholes if whole not in left]
        erased = [_erase(database, whole, keep_result=keep_result) for whole in due] if yes else []
        removed = removals.carry_out(database, files, utc_now()) if yes else removals.Freed()
        is_gone = not erased or empty_log(database, tries=_TRIES)
    if as_json:
        print_json([_list_fields(whole, deleted=yes and whole in due) for whole in wholes])
    else:
        _tell(wholes, left)
        if yes:
            say(f"{len(erased)} series deleted, {removed.files} files, {removed.bytes} bytes. {_LEFT}")
        else:
            say(f"{len(due)} series would be deleted; nothing was. Repeat it with --yes to delete. {_LEFT}")
    if not is_gone:
        say(f"coronode: {_READ}", err=True)
    if left:
        raise SystemExit(1)


def _erase(database: Database, whole: Whole, *, keep_result: bool) -> str:
    from scp.installation import utc_now
    from storage.retention.erasing import erase

    erase(database, whole.series_instance_uid, utc_now(), keep_result=keep_result)
    return whole.series_instance_uid


def _tell(wholes: Sequence[Whole], left: Sequence[Whole]) -> None:
    print_table(_COLUMNS, map(_format_cells, wholes))
    for whole in left:
        say(
            f"coronode: series {whole.series_instance_uid} is left: {', '.join(whole.in_hand)}; wait for that, or end "
            "it with --force",
            err=True,
        )


def _format_cells(whole: Whole) -> tuple[str, ...]:
    numbers = (
        whole.objects,
        whole.made,
        whole.quarantined,
        whole.results,
        whole.reviews,
        whole.readings,
        whole.deliveries,
    )
    return (whole.series_instance_uid, whole.state or "quarantined", whole.modality, *map(str, numbers))


def _list_fields(whole: Whole, *, deleted: bool) -> dict[str, Any]:
    return {
        "series_instance_uid": whole.series_instance_uid,
        "study_instance_uid": whole.study_instance_uid,
        "state": whole.state or "quarantined",
        "modality": whole.modality,
        "objects": whole.objects,
        "made_here": whole.made,
        "quarantined": whole.quarantined,
        "results": whole.results,
        "reviews": whole.reviews,
        "readings": whole.readings,
        "deliveries": whole.deliveries,
        "in_hand": list(whole.in_hand),
        "deleted": deleted,
    }
