"""Draw the pictures of three synthetic patients: those in README.md and docs/results.md.

    python bench/result_pictures.py docs/images

Each shows the first page and, if there is calcium, the slice with the most lesions. The second patient was scanned a
year earlier, with four fifths of the calcium.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from PIL import Image

from config.risk import RiskSettings
from scoring import engine
from scoring.phantom import PhantomSpec, make_phantom, write_series
from scoring.phantom.spec import DEFAULT_CALCIFICATIONS
from scoring.report import documents
from scoring.report.common.request import ReportRequest
from scoring.result import Patient, Score
from scoring.risk.comparison import compare, earlier_of
from scoring.risk.context import Context

PATIENTS: Final = {"none": (0.0, 3), "moderate": (1.0, 1), "severe": (4.0, 11)}
"""By name: multiple of the usual calcium, and the seed."""

MAN: Final = Patient(age_years=62, sex="male")
PAGE: Final = (384, 512)
GAP, QUALITY = 8, 68


def main() -> None:
    """Write result-none.jpg, result-moderate.jpg and result-severe.jpg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    folder = parser.parse_args().out
    for name, (factor, seed) in PATIENTS.items():
        with tempfile.TemporaryDirectory() as place:
            score, files = score_patient(Path(place) / "now", factor, seed)
            if name == "moderate":
                before, _ = score_patient(Path(place) / "before", 0.8 * factor, seed)
                score = add_change(score, before)
            pages = documents.pictures(score, files, ReportRequest(version=1, created=datetime(2026, 1, 6, tzinfo=UTC)))
        join_pages(pages, find_most_lesions(score)).save(folder / f"result-{name}.jpg", quality=QUALITY, optimize=True)


def score_patient(folder: Path, factor: float, seed: int) -> tuple[Score, list[Path]]:
    """Make and score a patient with `factor` times the usual calcium, and return the score and the files."""
    pieces = tuple(piece.scaled(factor) for piece in DEFAULT_CALCIFICATIONS) if factor else ()
    files = write_series(make_phantom(PhantomSpec(seed=seed, calcifications=pieces)), folder)
    return engine.score(files, context=Context(RiskSettings(group="white"), MAN)), files


def add_change(score: Score, before: Score) -> Score:
    """Add the change since `before`, taken as a year earlier."""
    scanned = date.fromisoformat(score.series.date or "")
    earlier = earlier_of(before, scanned.replace(year=scanned.year - 1), origin="index")
    if earlier is None:
        return score
    # the same phantom has the same study UID; a scan of a year earlier would have another
    return dataclasses.replace(
        score, change=compare(score, [dataclasses.replace(earlier, study_instance_uid="2.25.1")])
    )


def find_most_lesions(score: Score) -> int | None:
    """Find the slice with the most lesions, counted back from the last page; None without lesions."""
    slices = sorted({index for lesion in score.lesions for index in lesion.slices})
    counts = [sum(index in lesion.slices for lesion in score.lesions) for index in slices]
    return counts.index(max(counts)) - len(counts) if counts else None


def join_pages(pages: list[Image.Image], index: int | None) -> Image.Image:
    """Join the first page and one with a slice, side by side."""
    chosen = [pages[0]] if index is None else [pages[0], pages[index]]
    joined = Image.new("RGB", (len(chosen) * PAGE[0] + (len(chosen) - 1) * GAP, PAGE[1]), "white")
    for number, page in enumerate(chosen):
        joined.paste(page.resize(PAGE, Image.Resampling.LANCZOS), (number * (PAGE[0] + GAP), 0))
    return joined


if __name__ == "__main__":
    main()
