"""Measures over a group of phantom scans."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from evaluation import agreement
from evaluation.scan import Scan
from scoring.result import Artery

MASS_FROM_MG: Final = 10.0
MASS_KERNEL_MM: Final = (0.9, 1.1)
MASS_KVP: Final = 120

MISSED: Final = "missed"
NOT_CORONARY: Final = "none"


def scored(scans: Sequence[Scan]) -> list[Scan]:
    """Return the scans that have a score."""
    return [scan for scan in scans if scan.measured_level is not None]


def totals(scans: Sequence[Scan]) -> list[tuple[float, float]]:
    """Return true and measured Agatston of the scored scans."""
    return [(scan.true_total, scan.measured_total) for scan in scored(scans)]


def levels(scans: Sequence[Scan]) -> list[tuple[int, int]]:
    """Return true and measured category of the scored scans."""
    return [(scan.true_level, scan.measured_level) for scan in scans if scan.measured_level is not None]


def agreeing(scans: Sequence[Scan]) -> int:
    """Count the scored scans with the correct category."""
    return sum(true == measured for true, measured in levels(scans))


def false_zeros(scans: Sequence[Scan], least: float = 0.0) -> tuple[int, int]:
    """Count the scored scans with calcium (at least `least`; at 0, any) that got a 0, and all such scans."""
    those = [pair for pair in totals(scans) if pair[0] > 0 and pair[0] >= least]
    return sum(measured == 0 for _, measured in those), len(those)


def false_positives(scans: Sequence[Scan]) -> tuple[int, int]:
    """Count the scored scans without visible calcium that got more than 0, and all such scans."""
    those = [measured for true, measured in totals(scans) if true == 0]
    return sum(measured > 0 for measured in those), len(those)


def absolute_errors(scans: Sequence[Scan]) -> list[float]:
    """Return the absolute errors of the total."""
    return [abs(measured - true) for true, measured in totals(scans)]


def relative_errors(scans: Sequence[Scan]) -> list[float]:
    """Return the absolute errors relative to the true total, where that is not 0."""
    return [abs(measured - true) / true for true, measured in totals(scans) if true > 0]


def refusals(scans: Sequence[Scan], *, fit: bool) -> Counter[str]:
    """Count the refusals by code, of fit scans or of those with metal in the heart."""
    return Counter(scan.refusal or "" for scan in scans if scan.measured_level is None and scan.is_fit == fit)


def calcifications(scans: Sequence[Scan], least: float = 0.0) -> tuple[int, int]:
    """Count the calcifications (at least `least` Agatston; at 0, any) that were found, and all of them."""
    detected = number = 0
    for scan in scored(scans):
        present = {i for i, item in enumerate(scan.truth.lesions) if item.agatston > 0 and item.agatston >= least}
        number += len(present)
        detected += len(present & scan.match.found)
    return detected, number


def missed_agatston(scans: Sequence[Scan]) -> float:
    """Return the true Agatston of missed calcifications, mean of the scored scans."""
    return agreement.mean([math.fsum(value for _, value in scan.missed) for scan in scored(scans)])


def false_agatston(scans: Sequence[Scan]) -> float:
    """Return the Agatston of counted lesions that are not coronary calcium, mean of the scored scans."""
    return agreement.mean([math.fsum(lesion.agatston for lesion in scan.false) for scan in scored(scans)])


def per_scan(scans: Sequence[Scan], count: Callable[[Scan], int]) -> float:
    """Return the mean of a count over the scored scans."""
    return agreement.mean([count(scan) for scan in scored(scans)])


def artery_agatston(scans: Sequence[Scan]) -> dict[tuple[str, str], float]:
    """Sum Agatston by (true artery or `NOT_CORONARY`, assigned artery or `MISSED`); true values where missed."""
    parts: defaultdict[tuple[str, str], float] = defaultdict(float)
    for scan in scored(scans):
        for lesion, true in scan.owned:
            parts[true or NOT_CORONARY, lesion.artery or NOT_CORONARY] += lesion.agatston
        for true, value in scan.missed:
            parts[true, MISSED] += value
    return dict(parts)


def artery_totals(scans: Sequence[Scan], arteries: Sequence[Artery]) -> list[tuple[float, float]]:
    """Return true and measured Agatston of some arteries together."""
    return [
        (sum(scan.truth.agatston.of(a) for a in arteries), sum(scan.score.agatston.of(a) for a in arteries))
        for scan in scans
        if scan.score.agatston is not None
    ]


def correctly_assigned(scans: Sequence[Scan], arteries: Sequence[Artery]) -> float:
    """Return the share of the measured Agatston in some arteries that was assigned to them."""
    parts = {key: value for key, value in artery_agatston(scans).items() if key[0] in arteries and key[1] != MISSED}
    whole = math.fsum(parts.values())
    return math.fsum(value for key, value in parts.items() if key[1] in arteries) / whole if whole else math.nan


def mass_errors(scans: Sequence[Scan]) -> list[float]:
    """Return relative errors of the mass where it can be correct: over 10 mg, 120 kVp, standard kernel (0.9-1.1 mm)."""
    return [
        scan.score.mass_mg.total / scan.truth.mass_mg.total - 1
        for scan in scans
        if scan.score.mass_mg is not None
        and scan.truth.mass_mg.total > MASS_FROM_MG
        and scan.spec.kvp == MASS_KVP
        and MASS_KERNEL_MM[0] <= scan.spec.kernel_fwhm_mm <= MASS_KERNEL_MM[1]
    ]


def covered(scans: Sequence[Scan], slack: float = 0.0, least: float = 0.0) -> tuple[int, int]:
    """Count the ranges, widened by a share of the truth or by `least`, that contain the true total, and all ranges."""
    held = number = 0
    for scan in scans:
        if scan.score.agatston_range is not None:
            low, high = scan.score.agatston_range
            room = max(slack * scan.true_total, least)
            held += low - room <= scan.true_total <= high + room
            number += 1
    return held, number


def judged(scans: Sequence[Scan]) -> list[tuple[float, bool]]:
    """Return confidence and truth of every counted lesion and listed rejected candidate."""
    return [item for scan in scored(scans) for item in scan.judged]
