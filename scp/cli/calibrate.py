"""`coronode calibrate`: refit the judgement to the site's own readings, and decide whether it scores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import CoronodeError
from scp.cli.command import Group
from scp.cli.index import open_index
from scp.cli.options import config_option, json_option
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.calibrations.calibrations import Kept
    from storage.database.engine import Database

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)

_by_name = click.option("--name", required=True, help="Who decides this; it stays with the decision.")
_for_reason = click.option("--reason", required=True, help="Why; it stays with the decision.")


@click.group(
    cls=Group,
    examples=(
        "coronode calibrate fit",
        "coronode calibrate show 1",
        'coronode calibrate adopt 1 --name "Dr Weber" --reason "better on 104 own patients"',
    ),
)
def calibrate() -> None:
    """Refit the judgement to this site's own readings; nothing changes before somebody adopts it."""


@calibrate.command(
    examples=(
        "coronode calibrate fit",
        "coronode calibrate fit --readings readings.csv",
        "coronode calibrate fit --results corrected --images /archive/study --out site.json",
    )
)
@click.option("--readings", type=_EXISTING, help="CSV: series_instance_uid, total; LM, LAD, LCX, RCA where known.")
@click.option("--results", type=_DIRECTORY, help="Folder of readers' results (JSON of coronode.score/1).")
@click.option(
    "--images",
    multiple=True,
    type=_EXISTING,
    help="File or folder with their images: the node and its reviews are left aside, nothing is kept but --out.",
)
@click.option("--name", help="Name of the calibration in results  [default: site-YEAR-MONTH]")
@click.option("--out", type=_NEW, help="Also write the calibration to this file, for coronode score --calibration.")
@click.option("--jobs", type=click.IntRange(1), help="Series measured at a time  [default: number of cores]")
@json_option
@config_option
def fit(
    readings: Path | None,
    results: Path | None,
    images: tuple[Path, ...],
    name: str | None,
    out: Path | None,
    jobs: int | None,
    config_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Fit the judgement to signed reviews and readings, and tell what it would gain.

    Each patient is judged by weights fitted to the others. At least 30 patients with a reader's answer are needed, 10
    of them with calcium. Measuring takes about 10 s for each series, once.
    """
    from scp.cli.calibration_run import CalibrationRun, Request
    from scp.cli.terminal.calibration_report import print_calibration

    if images and out is None:
        raise click.UsageError("--images needs --out, the file to write the calibration to")
    if images and not (results or readings):
        raise click.UsageError("--images needs --results or --readings, what the readers said of them")
    run = CalibrationRun(config_file, Request(readings, results, images, name, out), jobs or os.cpu_count() or 1)
    print_calibration(run.run(), as_json=as_json)


@calibrate.command("list", examples=("coronode calibrate list", "coronode calibrate list --json"))
@json_option
@config_option
def list_(config_file: Path | None, *, as_json: bool) -> None:
    """List the calibrations, newest first, and the decisions about them."""
    from scp.cli.terminal.calibration_report import print_calibrations
    from storage.calibrations.calibrations import find_adopted, list_adoptions, list_calibrations

    with open_index(config_file) as database:
        print_calibrations(
            list_calibrations(database), find_adopted(database), list_adoptions(database), as_json=as_json
        )


@calibrate.command(examples=("coronode calibrate show 1", "coronode calibrate show 1 --json"))
@click.argument("number", type=int)
@json_option
@config_option
def show(number: int, config_file: Path | None, *, as_json: bool) -> None:
    """Show what calibration NUMBER rests on, what it changes, and what it gained."""
    from scp.cli.terminal.calibration_report import print_calibration

    with open_index(config_file) as database:
        print_calibration(_find(database, number), as_json=as_json)


@calibrate.command(examples=("coronode calibrate export 1 --out site.json",))
@click.argument("number", type=int)
@click.option("--out", type=_NEW, required=True, help="File to write.")
@config_option
def export(number: int, out: Path, config_file: Path | None) -> None:
    """Write calibration NUMBER to a file, for coronode score --calibration."""
    with open_index(config_file) as database:
        out.write_text(_find(database, number).fitted.calibration_json, "utf-8")
    say(out)


@calibrate.command(
    examples=('coronode calibrate adopt 1 --name "Dr Weber" --reason "better on 104 own patients"',),
)
@click.argument("number", type=int)
@_by_name
@_for_reason
@click.option("--anyway", is_flag=True, help="Also where it was not found to be better than the shipped weights.")
@config_option
def adopt(number: int, name: str, reason: str, config_file: Path | None, *, anyway: bool) -> None:
    """Score with calibration NUMBER from the next series on, without a restart; results that exist stay as they are."""
    from scp.installation import utc_now
    from storage.calibrations import calibrations

    _check_words(name, reason)
    with open_index(config_file) as database:
        found = _find(database, number)
        if found.fitted.finding != "better" and not anyway:
            raise CoronodeError(
                f"calibration {number} was not found to be better than the shipped weights ({found.fitted.finding}); "
                f"see coronode calibrate show {number}; --anyway adopts it nevertheless"
            )
        kept = calibrations.adopt(database, number, name.strip(), reason.strip(), utc_now())
    say(f"{kept.fitted.name} (sha256 {kept.fitted.sha256[:12]}) scores from the next series on")


@calibrate.command(examples=('coronode calibrate revert --name "Dr Weber" --reason "new scanner"',))
@_by_name
@_for_reason
@config_option
def revert(name: str, reason: str, config_file: Path | None) -> None:
    """Score with the shipped weights from the next series on; calibrations are kept."""
    from scp.installation import utc_now
    from storage.calibrations import calibrations

    _check_words(name, reason)
    with open_index(config_file) as database:
        calibrations.revert(database, name.strip(), reason.strip(), utc_now())
    say("the shipped weights score from the next series on")


def _find(database: Database, number: int) -> Kept:
    from storage.calibrations.calibrations import find_calibration

    found = find_calibration(database, number)
    if found is None:
        raise CoronodeError(f"there is no calibration {number}; see coronode calibrate list")
    return found


def _check_words(name: str, reason: str) -> None:
    if not name.strip() or not reason.strip():
        raise click.UsageError("--name and --reason need words: they stay with the decision")
