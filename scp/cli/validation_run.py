"""The run of `coronode validate`: readings in, figures out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.errors import ConfigurationError, describe_fault
from config.load import load
from config.settings import Settings
from scoring.report.agreement.document import assessment_pdf
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import load as load_texts
from scoring.validation.assessment import Assessment, assess
from scoring.validation.pair import By, Pair
from scp.cli.index import open_store
from scp.cli.options import find_peer
from scp.cli.terminal.output import say
from scp.cli.terminal.validation_tables import has_faults, list_refused, show_assessment, show_refused
from scp.installation import Installation, utc_now
from scp.outside_text import escape_json
from scp.validating import intake, pairing, reports, research
from scp.validating.pairing import Paired
from scp.validating.table import Refused, read_table


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was asked for."""

    readings: Path | None
    results: tuple[Path, ...]
    peer: str | None
    reader: str | None
    since: datetime | None
    by: Sequence[By]
    pdf: Path | None
    unverified: bool
    dry_run: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    paired: Paired
    recorded: int
    refused: Sequence[Refused]
    notes: Sequence[str] = ()


def run(wanted: Wanted, config_file: Path | None) -> bool:
    """Do what is wanted, and return whether all of it could be used."""
    settings = load(config_file)
    outcome = _research(wanted) if wanted.results else _ask_node(wanted, settings, config_file)
    assessment = assess(outcome.paired.pairs, outcome.paired.left_out, by=wanted.by)
    english = load_texts("en")
    if wanted.pdf is not None:  # first: whoever reads what is printed may stop reading
        _write_pdf(wanted.pdf, assessment, outcome.paired.pairs, settings)
    for note in outcome.notes:
        say(note, err=True)
    show_refused(outcome.refused, english)
    if wanted.as_json:
        given = {"recorded": outcome.recorded, "refused": list_refused(outcome.refused, english)}
        text = json.dumps(assessment.to_dict() | given, ensure_ascii=False, indent=1, allow_nan=False)
        say(*escape_json(text).split("\n"))
    else:
        if outcome.recorded:
            key = "validation.would_upload" if wanted.dry_run else "validation.uploaded"
            say(english(key, count=outcome.recorded))
        show_assessment(assessment, english)
    return not has_faults(outcome.refused)


def _research(wanted: Wanted) -> _Outcome:
    rows, refused = read_table(_read(wanted.readings))
    results = research.read_results(wanted.results)
    paired, unmatched = research.pair_files(rows, results)
    return _Outcome(paired, 0, sorted([*refused, *unmatched], key=lambda one: one.line))


def _ask_node(wanted: Wanted, settings: Settings, config_file: Path | None) -> _Outcome:
    recorded = 0
    refused: Sequence[Refused] = ()
    notes: Sequence[str] = ()
    with _open(settings, config_file) as installation:
        if wanted.readings is not None:
            matched = intake.take_table(
                installation,
                _read(wanted.readings),
                wanted.readings.name,
                reader=wanted.reader or "",
                dry_run=wanted.dry_run,
            )
            recorded, refused = len(matched.readings), matched.refused
        if wanted.peer is not None:
            find_peer(settings, wanted.peer)
            found = reports.take_reports(
                installation, wanted.peer, unverified=wanted.unverified, dry_run=wanted.dry_run
            )
            recorded, notes = recorded + found.recorded, found.notes
        reader = None if wanted.readings is not None else wanted.reader
        paired = pairing.pair_stored(installation.database, since=wanted.since, reader=reader)
    return _Outcome(paired, recorded, refused, notes)


def _write_pdf(path: Path, assessment: Assessment, pairs: Sequence[Pair], settings: Settings) -> None:
    now = utc_now()
    request = ReportRequest.of(settings.results, version=1, created=now)
    try:
        path.write_bytes(assessment_pdf(assessment, pairs, request, created=now))
    except OSError as error:
        raise ConfigurationError(f"--pdf: {describe_fault(error)}") from error


def _read(path: Path | None) -> bytes:
    if path is None:
        raise ConfigurationError("--readings: a file is needed")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"--readings: {describe_fault(error)}") from error


@contextmanager
def _open(settings: Settings, config_file: Path | None) -> Iterator[Installation]:
    with open_store(config_file) as (database, files):
        yield Installation(settings, database, files)
