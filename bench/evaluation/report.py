"""The Markdown file: all tables with their headings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation import breakdown, measures, tables
from evaluation.reading import Reading
from evaluation.scan import Scan

AGREEMENT_PNG: Final = "agreement.png"
CALIBRATION_PNG: Final = "calibration.png"

METHOD: Final = """\
The true Agatston score of a phantom is that of its noise-free slices, under the same rules (130 HU at every tube
voltage). A lesion is coronary if it is as near to the centre of a calcification as half its length, 2 mm and half a
slice allow, and the centre of no distractor is nearer. A calcification that stays below the threshold, or whose
brightest voxel belongs to another one, has no score of its own and cannot be missed. A scan is fit for scoring unless
the patient has metal in the heart: a refusal is then just as correct. AU: Agatston units, mean per scored scan.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """All results of a run; `origin` describes the data in one sentence."""

    origin: str
    scans: Sequence[Scan]
    failed: dict[int, str]
    readings: Sequence[Reading]


def markdown(measured: Measured) -> str:
    """Return the whole text; anything not measured has no heading."""
    parts = [f"# Accuracy\n\n{measured.origin}\n"]
    if measured.scans:
        parts += [METHOD, *_phantoms(measured)]
    if measured.readings:
        parts.append(f"## Real scans\n\n{tables.readings(measured.readings)}")
    return "\n".join(parts)


def _phantoms(measured: Measured) -> Iterator[str]:
    scans = measured.scans
    yield f"## Phantoms\n\n{tables.summary(scans, len(measured.failed))}"
    yield f"![Measured against true, differences, and categories]({AGREEMENT_PNG})\n"
    yield f"## Categories\n\n{tables.categories(scans)}"
    yield f"## Refusals\n\n{tables.refusals(scans, measured.failed)}"
    yield f"## Arteries\n\n{tables.arteries(scans)}"
    yield f"## Scans of different kinds\n\n{breakdown.by_scan(scans)}"
    yield f"## What must not count\n\n{breakdown.by_distractor(scans)}"
    yield f"## Confidence\n\n{tables.calibration(measures.judged(scans))}"
    yield f"![Confidence against the share that is coronary calcium]({CALIBRATION_PNG})\n"
