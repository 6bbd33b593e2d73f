"""Calcifications of phantoms against those of real scans: do their measures overlap?

Phantoms are drawn from the population and scanned as the real scans were: gated, 3 mm, 120 kVp. Real lesions are the
voxels of at least 130 HU within a reader's outlines (`reference.json` beside the scans). Everything is measured in the
same way on both. A percentile overlaps if it differs from that of the real lesions, of either group or all together, by
no more than a quarter of the width (p90 - p10) of all real lesions; ! marks one that does not.

    python bench/lesions.py SCANS [--looked-at gated-0 gated-1 gated-3] [--others gated-5] [--phantoms 16]
        [--seed 100000] [--hard] [--without-nets]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from calcium import lesion, measures
from calcium.lesion import Case
from evaluation.table import number, share, table

from config.errors import NotScorable
from scoring import anatomy
from scoring.anatomy.heart import Heart

PERCENTILES: Final = (10, 50, 90)
NEAR: Final = 0.25

Rows = list[dict[str, float]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, metavar="SCANS", help="folder of series, with reference.json")
    parser.add_argument("--looked-at", nargs="+", default=["gated-0", "gated-1", "gated-3"], metavar="NAME")
    parser.add_argument("--others", nargs="+", default=["gated-5"], metavar="NAME")
    parser.add_argument("--phantoms", type=int, default=16, metavar="N", help="number of patients [default: 16]")
    parser.add_argument("--seed", type=int, default=100_000, metavar="SEED", help="seed of the first [default: 100000]")
    parser.add_argument("--hard", action="store_true", help="draw patients who are to teach or to test")
    parser.add_argument("--without-nets", action="store_true", help="leave out what the heart's nets see")
    options = parser.parse_args()
    known = json.loads((options.scans / "reference.json").read_text(encoding="utf-8"))

    def rows(cases: Iterable[Case]) -> Rows:
        return [row for case in cases for row in measures.measure(case, _find_heart(case, options.without_nets))]

    looked_at, others = (
        rows(lesion.read(options.scans / name, known[name]["rois"]) for name in names)
        for names in (options.looked_at, options.others)
    )
    print(markdown(rows(lesion.draw_patients(options.seed, options.phantoms, hard=options.hard)), looked_at, others))


def markdown(phantoms: Rows, looked_at: Rows, others: Rows) -> str:
    """Return the table, a row for each measure, and how many percentiles overlap."""
    lines, kept = [], []
    for name in measures.NAMES:
        drawn, *real = (percentiles([row[name] for row in rows]) for rows in (phantoms, looked_at, others))
        together = percentiles([row[name] for row in (*looked_at, *others)])
        near = overlap(drawn, (*real, together), float(together[-1] - together[0]))
        kept += near
        digits = 2 if "share" in name or "likelihood" in name or "disagreement" in name else 1
        shown = [
            " / ".join(number(v, digits) + ("" if k else "!") for v, k in zip(values, marks, strict=True))
            for values, marks in ((drawn, near), *((values, [True] * 3) for values in real))
        ]
        lines.append([name, *shown])
    header = [
        "p10 / p50 / p90",
        *(f"{n} ({len(r)})" for n, r in zip(_GROUPS, (phantoms, looked_at, others), strict=True)),
    ]
    return f"{table(header, lines)}\nPercentiles that overlap: {share(sum(kept), len(kept))}.\n"


_GROUPS: Final = ("phantoms", "scans that limits were set on", "others")


def percentiles(values: Sequence[float]) -> np.ndarray:
    """Return p10, p50 and p90 of the finite values; NaN if there are none."""
    finite = [v for v in values if np.isfinite(v)]
    return np.percentile(finite, PERCENTILES) if finite else np.full(len(PERCENTILES), np.nan)


def overlap(drawn: np.ndarray, real: Sequence[np.ndarray], width: float) -> list[bool]:
    """Return whether each percentile lies within a quarter of `width` of those of the real groups."""
    low, high = np.min(real, axis=0), np.max(real, axis=0)
    return [bool(low[k] - NEAR * width <= drawn[k] <= high[k] + NEAR * width) for k in range(len(drawn))]


def _find_heart(case: Case, without: bool) -> Heart | None:
    if without:
        return None
    try:
        return anatomy.find(case.volume).heart
    except NotScorable:
        return None


if __name__ == "__main__":
    main()
