"""`coronode score`: score one or thousands of series on disk."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from config.errors import ConfigurationError, CoronodeError
from config.load import load
from config.results import DocumentKind
from config.settings import ConventionName
from scp.cli import clinical as clinical_options
from scp.cli.command import Command
from scp.cli.options import config_option
from scp.cli.terminal.document_folder import parse_kinds
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from scp.cli.terminal.score_table import Row


@click.command(
    cls=Command,
    examples=(
        "coronode score FOLDER --json",
        "coronode score /archive/* --out results",
        "coronode score FOLDER --group white --clinical FILE",
    ),
    epilog=clinical_options.EPILOG,
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON; for several series one object per line.")
@click.option(
    "--explain",
    is_flag=True,
    help="Print every lesion, and what was not counted near the heart and why (always in the JSON).",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for a JSON file per series and scores.csv."
)
@click.option(
    "--documents",
    callback=parse_kinds,
    metavar="KINDS",
    help="With --out: any of sr,overlay,seg,pdf,letter, or all, a folder per series. They identify the patient.",
)
@click.option("--mask", type=click.Path(exists=True, path_type=Path), help="DICOM SEG or NIfTI: count only inside it.")
@click.option(
    "--calibration",
    "calibration_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of `coronode calibrate export`: a site's own weights of the judgement  [default: the shipped ones]",
)
@click.option("--convention", type=click.Choice(get_args(ConventionName)), help="Preset of Agatston rules.")
@click.option(
    "--jobs", type=click.IntRange(1), default=None, help="Series scored at a time  [default: number of cores]"
)
@clinical_options.patient_options
@config_option
def score(
    paths: tuple[Path, ...],
    out: Path | None,
    documents: tuple[DocumentKind, ...] | None,
    mask: Path | None,
    calibration_file: Path | None,
    convention: str | None,
    jobs: int | None,
    age: int | None,
    sex: str | None,
    group: str | None,
    clinical: Path | None,
    config_file: Path | None,
    *,
    as_json: bool,
    explain: bool,
) -> None:
    """Score every CT series found in PATHS (files and folders).

    A series that cannot be scored gets a reason instead of a score and does not stop the others.
    """
    from dicom.process import configure_process
    from scoring.images import series
    from scp.cli.scoring_run import ScoringRun
    from scp.cli.terminal.requested_documents import RequestedDocuments
    from scp.cli.terminal.score_table import ScoreTable

    configure_process()
    settings = load(config_file)
    if convention is not None:
        chosen = settings.scoring.model_copy(update={"convention": convention})
        settings = settings.model_copy(update={"scoring": chosen})
    chosen_series = series.group(paths)
    if not chosen_series:
        raise CoronodeError(f"no DICOM image in {', '.join(map(str, paths))}")
    if documents and out is None:
        raise click.UsageError("--documents needs --out, the folder to write them to")
    if mask is not None and len(chosen_series) > 1:
        raise click.UsageError(f"--mask applies to one series, but {len(chosen_series)} were found; give one folder")
    studies = len({item.study_instance_uid for item in chosen_series})
    context = clinical_options.read_context(settings, age=age, sex=sex, group=group, clinical=clinical, studies=studies)
    requested = None if out is None or not documents else RequestedDocuments.in_folder(out, documents, settings)
    calibration = None if calibration_file is None else _read_calibration(calibration_file)
    run = ScoringRun(settings, context, mask, jobs, requested, calibration)
    failed = 0
    with ScoreTable(out) if out is not None else nullcontext() as table:
        for row in _show_progress(run.rows(chosen_series), len(chosen_series)):
            failed += bool(row.score is None or row.undocumented)
            _print_row(row, as_json=as_json, explain=explain, indent=2 if len(chosen_series) == 1 else None)
            if table is not None:
                table.add(row)
    if out is not None:
        say(f"{len(chosen_series)} series in {out / 'scores.csv'}", err=True)
    if failed:
        raise SystemExit(1)


def _read_calibration(path: Path) -> str:
    from scoring.judgement.calibration import Calibration

    try:
        return Calibration.from_json(path.read_bytes()).to_json()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"--calibration {path}: {error}") from error


def _print_row(row: Row, *, as_json: bool, explain: bool, indent: int | None) -> None:
    if row.score is None:
        say(f"failed: {row.path}: {row.error}", err=True)
        return
    if row.undocumented:
        say(f"no documents: {row.path}: {row.undocumented}", err=True)
    if as_json:
        say(*row.score.to_json(indent=indent).split("\n"))
    else:
        say(*row.lines())
        if explain and row.score.agatston is not None:
            from scp.cli.terminal.explanation import format_explanation

            say(*textwrap.indent(format_explanation(row.score), "    ").split("\n"))


def _show_progress(rows: Iterable[Row], total: int) -> Iterator[Row]:
    """Pass the rows on, with a progress bar where there are several and standard error is a terminal."""
    if total == 1 or not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, description="scoring", total=total, console=Console(stderr=True))
