"""`coronode report`: recreate the documents of a stored result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import CoronodeError
from config.load import load
from config.results import DocumentKind
from config.settings import Settings
from scp.cli.command import Command
from scp.cli.options import config_option
from scp.cli.terminal.document_folder import parse_kinds, write_documents
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from scoring.report.common.request import Predecessor
    from scoring.result import Score


@dataclass(frozen=True, slots=True)
class _Source:
    """The images of a result, and its version among the results of the series."""

    files: tuple[Path, ...]
    version: int
    created: datetime
    predecessor: Predecessor | None = None


@click.command(
    cls=Command,
    examples=("coronode report results/1.2.840.1.2.3.json --out documents --images /archive/study",),
)
@click.argument("result", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Output folder.")
@click.option(
    "--images",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="File or folder with the images  [default: next to RESULT, else the node's store]",
)
@click.option(
    "--documents",
    callback=parse_kinds,
    metavar="KINDS",
    help="Any of sr,overlay,seg,pdf,letter, or all  [default: results.documents of the configuration]",
)
@config_option
def report(
    result: Path,
    out: Path,
    images: tuple[Path, ...],
    documents: tuple[DocumentKind, ...] | None,
    config_file: Path | None,
) -> None:
    """Make documents of RESULT, a JSON file of `coronode score` or of `coronode series show --json`.

    The images are needed to identify the patient, which a result does not, and to show what was counted.
    """
    from scoring.report import documents as making
    from scoring.report.common.request import ReportRequest
    from scoring.report.typeset import site

    settings = load(config_file)
    site.check(settings.results)
    score = _read_score(result)
    kinds = documents or settings.results.documents
    source = _find_source(result, score, images, settings)
    request = ReportRequest.of(
        settings.results, version=source.version, created=source.created, predecessor=source.predecessor
    )
    try:
        files = making.make(score, source.files, kinds, request)
    except ValueError as error:
        raise CoronodeError(f"{result}: {error}") from error
    for path in write_documents(out, kinds, files):
        say(path)
    if not files:
        say(f"nothing to write: the series has no score ({score.reason})", err=True)


def _read_score(path: Path) -> Score:
    from scoring.result import Score

    try:
        return Score.from_json(path.read_bytes())
    except OSError as error:
        raise CoronodeError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CoronodeError(f"{path}: {error}") from error


def _find_source(path: Path, score: Score, images: Sequence[Path], settings: Settings) -> _Source:
    """Find the images of a score, in this order.

    With --images only there; else in the node's store if the result is its own, next to the file, in the store.
    """
    uid = score.series.series_instance_uid
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    stored, own = (None, False) if images else _find_in_store(score, settings, written)
    if stored is not None and own:
        return stored
    files = _find_on_disk(images or (path.parent,), score)
    if files:
        return _Source(files, 1, written)
    if images:
        raise CoronodeError(f"--images {', '.join(map(str, images))}: contains no image of series {uid}")
    if stored is None:
        raise CoronodeError(
            f"the images of series {uid} are neither in {path.parent} nor in the node's store; give "
            "--images FOLDER: they are needed to identify the patient"
        )
    return stored


def _find_on_disk(places: Sequence[Path], score: Score) -> tuple[Path, ...]:
    """List the files that belong to the series of a score."""
    from scoring.images import series

    cited = {score.series.series_instance_uid}
    matching = [item for item in series.group(places) if item.series_instance_uid in cited]
    return tuple(path for item in matching for path in item.paths)


def _find_in_store(score: Score, settings: Settings, written: datetime) -> tuple[_Source | None, bool]:
    """Find the series in the node's store, and say whether the score is the latest result there.

    If it is, the source has the version and time of that result, so that the documents are the same objects.
    """
    from scoring.report.common.request import Predecessor
    from scoring.result import Score
    from storage.database.opening import database_file, open_database
    from storage.series import results, slices
    from storage.series.store import open_store

    file = database_file(settings)
    if file is not None and not file.exists():
        return None, False
    database = open_database(settings)
    try:
        uid = score.series.series_instance_uid
        files = tuple(slices.list_files(database, open_store(settings, database), uid))
        known = results.get(database, uid)
        before = None if known is None else results.find_predecessor(database, uid, known.version)
    finally:
        database.close()
    if not files:
        return None, False
    if known is None or not known.score_json or Score.from_json(known.score_json) != score:
        return _Source(files, 1, written), False
    named = None
    if before is not None:
        study = score.series.study_instance_uid
        named = Predecessor(before.sop_class_uid, before.sop_instance_uid, before.series_instance_uid, study)
    return _Source(files, known.version, known.created_at, named), True
