"""Results for parts of the population: by scan parameters, and by the distractors of the patient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from evaluation import agreement, matching, measures
from evaluation.scan import Scan
from evaluation.table import number, percent, table
from scoring.phantom import DISTRACTOR_KINDS

HEADER: Final = (
    "all",
    "refused",
    "same category",
    "kappa",
    "ICC",
    "bias",
    "median error",
    "false 0",
    "found",
    "missed AU",
    "false AU",
)


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter of a scan, and the edges of its ranges; each range includes its lower edge."""

    title: str
    unit: str
    value: Callable[[Scan], float]
    edges: tuple[float, ...] = ()

    def parts(self, scans: Sequence[Scan]) -> Iterator[tuple[str, list[Scan]]]:
        """Yield name and scans of each range, or of each value if there are no edges; empty ones are left out."""
        if not self.edges:
            for value in sorted({self.value(scan) for scan in scans}):
                yield f"{value:g}", [scan for scan in scans if self.value(scan) == value]
            return
        for low, high in pairwise((-math.inf, *self.edges, math.inf)):
            part = [scan for scan in scans if low <= self.value(scan) < high]
            if part:
                yield _range_name(low, high), part


def _range_name(low: float, high: float) -> str:
    if low == -math.inf:
        return f"under {high:g}"
    return f"{low:g} and more" if high == math.inf else f"{low:g} to under {high:g}"


AXES: Final = (
    Axis("Tube voltage", "kVp", lambda scan: scan.spec.kvp),
    Axis("Slice thickness", "mm", lambda scan: scan.spec.slice_thickness_mm, (1.0, 2.0, 3.0, 4.0)),
    Axis("Noise", "HU", lambda scan: scan.spec.noise_sd_hu, (10.0, 15.0, 20.0, 25.0)),
    Axis("Field of view", "mm", lambda scan: scan.spec.field_of_view_mm, (200.0, 230.0, 260.0, 330.0)),
)


def by_scan(scans: Sequence[Scan]) -> str:
    """Tabulate the results for each axis; only fit scans count as refused."""
    parts = []
    for axis in AXES:
        rows = [_row(name, part) for name, part in axis.parts(scans)]
        parts.append(f"### {axis.title}\n\n{table((axis.unit, *HEADER), rows)}")
    return "\n".join(parts)


def _row(name: str, scans: Sequence[Scan]) -> list[str]:
    pairs = measures.totals(scans)
    zeros, of = measures.false_zeros(scans)
    detected, present = measures.calcifications(scans)
    return [
        name,
        str(len(scans)),
        str(measures.refusals(scans, fit=True).total()),
        percent(measures.agreeing(scans) / len(pairs)) if pairs else "-",
        number(agreement.weighted_kappa(measures.levels(scans)), 2),
        number(agreement.icc(pairs), 3),
        number(agreement.bland_altman(pairs).bias, sign=True),
        number(agreement.quantile(measures.absolute_errors(scans), 0.5)),
        f"{zeros} of {of}",
        percent(detected / present) if present else "-",
        number(measures.missed_agatston(scans), 2),
        number(measures.false_agatston(scans), 2),
    ]


def by_distractor(scans: Sequence[Scan]) -> str:
    """Tabulate false Agatston per scan with and without each kind, and the part within 20 mm of its centre."""
    rows = []
    for kind in DISTRACTOR_KINDS:
        having = [scan for scan in scans if any(item.kind == kind for item in scan.truth.distractors)]
        if not having:
            continue
        metal = any(item.is_metal for scan in having for item in scan.truth.distractors if item.kind == kind)
        seeds = {scan.record.seed for scan in having}
        without = [scan for scan in scans if scan.record.seed not in seeds]
        rows.append(
            [
                kind + (" (metal)" if metal else ""),
                str(len(having)),
                str(sum(scan.measured_level is None for scan in having)),
                number(measures.false_agatston(having), 2),
                number(measures.false_agatston(without), 2),
                number(agreement.mean([_at(scan, kind) for scan in measures.scored(having)]), 2),
            ]
        )
    return table(("Kind", "scans with", "refused", "false AU with", "false AU without", "false AU at it"), rows)


def _at(scan: Scan, kind: str) -> float:
    return math.fsum(lesion.agatston for lesion in scan.false if matching.kind(lesion.centroid_mm, scan.truth) == kind)
