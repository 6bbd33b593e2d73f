"""`coronode verify`: whether index and objects agree, and every object has the bytes that were received."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import Permanent
from config.load import load
from scp.cli.command import Command
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.backup.findings import Finding
    from storage.database.engine import Database
    from storage.objects.files import Files

_MIB = 1024 * 1024
_MOST = 100_000


@click.command(
    cls=Command,
    examples=("coronode verify", "coronode verify --quick --json", "coronode verify --repair"),
)
@click.option("--quick", is_flag=True, help="Do not read the files: only whether each is there in its size.")
@click.option("--repair", "mend", is_flag=True, help="Put right what can be; asks before it changes anything.")
@click.option("--yes", is_flag=True, help="With --repair: do not ask.")
@click.option("--rate", type=click.FloatRange(min=0), default=0, help="Read no more than so many MiB a second.")
@json_option
@config_option
def verify(rate: float, config_file: Path | None, *, quick: bool, mend: bool, yes: bool, as_json: bool) -> None:
    """Check every row against its file and every file against a row, beside a node that works; exit 1 on findings."""
    from scp.cli.terminal.count_progress import CountProgress
    from scp.privacy import create_closed
    from storage.backup import verifying
    from storage.backup.pace import Pacer
    from storage.database.opening import connect_database, database_file
    from storage.series.store import open_store

    settings = load(config_file)
    file = database_file(settings)
    if file is not None and not file.exists():
        raise Permanent(f"no node has run here: there is no {file}; name its configuration with --config FILE")
    create_closed()
    database = connect_database(settings)
    try:
        files = open_store(settings, database)
        found: list[Finding] = []
        with CountProgress() as progress:
            told = partial(progress.show, "verifying")
            for item in verifying.verify(database, files, quick=quick, told=told, pace=Pacer(rate * _MIB)):
                if len(found) < _MOST:
                    found.append(item)
                if not as_json:
                    say(f"{item.kind}: {item.about}: {item.words}")
        if as_json:
            print_json(_list_fields(item) for item in found)
        else:
            say(*_summarise(found))
        left = len(found) - (_repair(database, files, found, yes=yes) if mend else 0)
    finally:
        database.close()
    if left:
        raise SystemExit(1)


def _repair(database: Database, files: Files, found: list[Finding], *, yes: bool) -> int:
    from scp.installation import utc_now
    from storage.backup.repairing import REPAIRABLE, repair
    from storage.objects.aside import LOST

    counts = Counter(item.kind for item in found if item.kind in REPAIRABLE)
    total = counts.total()
    if not total:
        return 0
    if not yes:
        words = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        click.confirm(
            f"{words}: move files that are damaged or belong to nothing to {LOST} in {files.place}, and take objects "
            "without their bytes out of the index?",
            abort=True,
            err=True,
        )
    done = repair(database, files, found, utc_now())
    say(f"repaired: {done} of {total}", err=True)
    return done


def _summarise(found: list[Finding]) -> list[str]:
    if not found:
        return ["clean: index and objects agree"]
    kinds = Counter(item.kind for item in found)
    advice = {item.kind: item.advice for item in found}
    return ["", *(f"{count} {kind}: {advice[kind]}" for kind, count in sorted(kinds.items()))]


def _list_fields(item: Finding) -> dict[str, object]:
    return {
        "kind": item.kind,
        "about": item.about,
        "words": item.words,
        "file": item.name or None,
        "advice": item.advice,
    }
