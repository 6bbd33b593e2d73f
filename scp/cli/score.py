"""`coronode score`: series on disk, one or thousands."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, nullcontext
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, get_args

import click

from config.errors import CoronodeError, NotScorable
from config.load import load
from config.settings import ConventionName, Document, Settings
from scp.cli import clinical as told
from scp.cli.command import Command
from scp.cli.options import config_option
from scp.cli.terminal.documents import kinds_of
from scp.cli.terminal.table import Row, Table
from scp.cli.terminal.wanted import Wanted

if TYPE_CHECKING:
    from scoring.images.series import SeriesFiles
    from scoring.report.common.document_file import Made
    from scoring.result import Score
    from scoring.risk.context import Context
    from scp.work.scoring_process import DocumentRequest


@click.command(
    cls=Command,
    examples=(
        "coronode score FOLDER --json",
        "coronode score /archive/* --out results",
        "coronode score FOLDER --group white --clinical FILE",
    ),
    epilog=told.EPILOG,
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; of several series one on each line.")
@click.option(
    "--explain",
    is_flag=True,
    help="Print every lesion, and what near the heart was not counted and why (the JSON has it anyway).",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write one JSON each and scores.csv here."
)
@click.option(
    "--documents",
    callback=kinds_of,
    metavar="KINDS",
    help="With --out: any of sr,overlay,seg,pdf,letter, or all, in a folder for each series. They name the patient.",
)
@click.option("--mask", type=click.Path(exists=True, path_type=Path), help="DICOM SEG or NIfTI: count inside it.")
@click.option("--convention", type=click.Choice(get_args(ConventionName)), help="Preset of the Agatston rules.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Series at a time  [default: number of cores]")
@told.patient_options
@config_option
def score(
    paths: tuple[Path, ...],
    out: Path | None,
    documents: tuple[Document, ...] | None,
    mask: Path | None,
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

    A series that cannot be scored gets its reason in place of a number; a bad one does not stop the others.
    """
    from dicom.process import configure_process
    from scoring.images import series

    configure_process()
    settings = load(config_file)
    if convention is not None:
        chosen = settings.scoring.model_copy(update={"convention": convention})
        settings = settings.model_copy(update={"scoring": chosen})
    found = series.group(paths)
    if not found:
        raise CoronodeError(f"no DICOM image in {', '.join(map(str, paths))}")
    if documents and out is None:
        raise click.UsageError("--documents needs --out: the folder that they are written to")
    if mask is not None and len(found) > 1:
        raise click.UsageError(f"--mask fits one series, {len(found)} were found; give one folder")
    studies = len({item.study_instance_uid for item in found})
    context = told.context(settings, age=age, sex=sex, group=group, clinical=clinical, studies=studies)
    wanted = None if out is None or not documents else Wanted.of(out, documents, settings)
    failed = 0
    with Table(out) if out is not None else nullcontext() as table:
        for row in _progress(_score(found, settings, context, mask, jobs, wanted), len(found)):
            failed += bool(row.score is None or row.undocumented)
            _say(row, as_json=as_json, explain=explain, indent=2 if len(found) == 1 else None)
            if table is not None:
                table.add(row)
    if out is not None:
        click.echo(f"{len(found)} series in {out / 'scores.csv'}", err=True)
    if failed:
        raise SystemExit(1)


def _say(row: Row, *, as_json: bool, explain: bool, indent: int | None) -> None:
    if row.score is None:
        click.echo(f"failed: {row.path}: {row.error}", err=True)
        return
    if row.undocumented:
        click.echo(f"no documents: {row.path}: {row.undocumented}", err=True)
    if as_json:
        click.echo(row.score.to_json(indent=indent))
    else:
        click.echo(row.text())
        if explain and row.score.agatston is not None:
            from scp.cli.terminal.explanation import explained

            click.echo(textwrap.indent(explained(row.score), "    "))


def _progress(rows: Iterable[Row], total: int) -> Iterator[Row]:
    """The rows, with a progress bar on standard error when there are several and someone looks."""
    if total == 1 or not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, description="scoring", total=total, console=Console(stderr=True))


def _score(
    found: Sequence[SeriesFiles],
    settings: Settings,
    context: Context,
    mask: Path | None,
    jobs: int | None,
    wanted: Wanted | None,
) -> Iterator[Row]:
    if len(found) == 1:
        from scoring import engine

        begun = time.perf_counter()
        scored = engine.score(found[0].paths, settings.scoring, settings.selection, context=context, mask=mask)
        row = _row(found[0], scored, begun)
        yield row if wanted is None else wanted.documented(row, found[0], _make)
        return
    yield from _in_processes(found, settings, context, min(jobs or os.cpu_count() or 1, len(found)), wanted)


def _make(request: DocumentRequest) -> list[Made]:
    """Documents in this process."""
    from scoring.report import documents
    from scoring.result import Score

    return documents.make(Score.from_json(request.score), request.files, request.kinds, request.report)


def _in_processes(
    found: Sequence[SeriesFiles], settings: Settings, context: Context, jobs: int, wanted: Wanted | None
) -> Iterator[Row]:
    """Each series in a process that may die of it; rows come as they are ready."""
    from scp.work.scoring_process import Scorer

    idle: SimpleQueue[Scorer] = SimpleQueue()

    def work(item: SeriesFiles) -> Row:
        begun = time.perf_counter()
        scorer = idle.get()
        try:
            scored = scorer.score(item.paths, settings.scoring, settings.selection, context=context)
            row = _row(item, scored, begun)
            return row if wanted is None else wanted.documented(row, item, scorer.documents)
        except NotScorable as error:
            return Row(_folder(item), item.study_instance_uid, item.series_instance_uid, None, str(error))
        finally:
            idle.put(scorer)

    with ExitStack() as stack:
        for _ in range(jobs):
            scorer = Scorer(settings.scoring.timeout_seconds)
            stack.callback(scorer.close)
            idle.put(scorer)
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        for future in as_completed([pool.submit(work, item) for item in found]):
            yield future.result()


def _row(item: SeriesFiles, scored: Score, begun: float) -> Row:
    seconds = time.perf_counter() - begun
    return Row(_folder(item), item.study_instance_uid, item.series_instance_uid, scored, "", seconds)


def _folder(item: SeriesFiles) -> str:
    return os.path.commonpath([path.parent for path in item.paths])
