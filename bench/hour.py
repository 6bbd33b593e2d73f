"""How many series a core scores in an hour: gated heart scans and whole chests.

Each series is scored by this process as the node's scoring process does it, with the documents that the node sends by
default. What counts is processor time: how much fits into an hour of one core. Without folders two phantoms are scored,
a gated scan of 3 mm and a chest of 1 mm.

    python bench/hour.py
    python bench/hour.py FOLDER [FOLDER ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from table import machine, median, table

from config.errors import NotScorable
from config.settings import ResultsSettings, ScoringSettings, SelectionSettings
from dicom.process import configure_process
from scoring import engine
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from scoring.phantom.spec import PhantomSpec
from scoring.report import documents
from scoring.report.common.request import ReportRequest

SPECS: Final = {
    "phantom, gated, 3 mm": PhantomSpec(slice_thickness_mm=3, slice_increment_mm=3),
    "phantom, chest, 1 mm": PhantomSpec(
        slice_thickness_mm=1, slice_increment_mm=1, above_left_main_mm=120, below_left_main_mm=180, field_of_view_mm=360
    ),
}
_REQUEST: Final = ReportRequest(version=1, created=datetime(2026, 1, 1, tzinfo=UTC))


def measure(files: Sequence[Path], rounds: int) -> tuple[float, str]:
    """Score a series some times; return the median of the processor seconds, and what came of it."""
    seconds, outcome = [], ""
    for _ in range(rounds):
        began = time.process_time()
        outcome = score(files)
        seconds.append(time.process_time() - began)
    return median(seconds), outcome


def score(files: Sequence[Path]) -> str:
    """Score a series and make its documents; return the Agatston score, or why there is none."""
    try:
        found = engine.score(files, ScoringSettings(), SelectionSettings())
    except NotScorable as refusal:
        return refusal.code
    documents.make(found, files, ResultsSettings().documents, _REQUEST)
    return found.status if found.agatston is None else f"{found.agatston.total:.0f}"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="each with the files of one series")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    configure_process()
    rows = []
    with tempfile.TemporaryDirectory(prefix="coronode-hour-") as name:
        made = (
            {}
            if options.folders
            else {title: write_series(make_phantom(spec), Path(name) / title) for title, spec in SPECS.items()}
        )
        series = {
            folder.name: sorted(path for path in folder.rglob("*") if path.suffix == ".dcm")
            for folder in options.folders
        } | made
        score(next(iter(series.values())))  # what is loaded once in a process
        for title, files in series.items():
            seconds, outcome = measure(files, options.rounds)
            rows.append([title, str(len(files)), outcome, f"{seconds:.2f}", f"{3600 / seconds:,.0f}"])
    print(table(["Series", "slices", "Agatston", "processor s", "an hour and core"], rows))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
