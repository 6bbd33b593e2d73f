"""Every figure of agreement of a group of pairs, by total and by artery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.result import ARTERIES, CATEGORIES, Artery
from scoring.validation.correlation import estimate_concordance, estimate_pearson, estimate_spearman
from scoring.validation.detection import Detection, compare_presence
from scoring.validation.estimate import Estimate, share
from scoring.validation.icc import estimate_agreement, estimate_consistency
from scoring.validation.kappa import estimate_kappa
from scoring.validation.limits import Expected, Limits, compute_limits, expect_scores
from scoring.validation.pair import Pair

Matrix = tuple[tuple[int, ...], ...]
"""Counts by category: the reader's in rows, ours in columns."""

_DISEASED: Final = 0.0
"""An artery has calcium where its Agatston score is above this."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the totals of `n` pairs.

    `same` is the share in the same category; `icc_roots` and `roots` are of the square roots of the totals;
    `within_range` is the share of readers' totals that lie inside our own range.
    """

    n: int
    matrix: Matrix
    same: Estimate
    kappa: Estimate
    kappa_linear: Estimate
    kappa_quadratic: Estimate
    icc_agreement: Estimate
    icc_consistency: Estimate
    icc_roots: Estimate
    differences: Limits
    roots: Limits
    expected: tuple[Expected, ...]
    pearson: Estimate
    spearman: Estimate
    concordance: Estimate
    detection: Detection
    within_range: Estimate


@dataclass(frozen=True, slots=True)
class ArteryAgreement:
    """Agreement of one artery in the pairs whose reader names its score; `kappa` is of any calcium or none."""

    artery: Artery
    n: int
    kappa: Estimate
    icc_agreement: Estimate
    concordance: Estimate
    differences: Limits
    roots: Limits
    detection: Detection


def compare_totals(pairs: Sequence[Pair]) -> Agreement:
    """Compare the totals of pairs; of none, every figure says so."""
    ours = np.array([pair.ours.total for pair in pairs], dtype=float)
    theirs = np.array([pair.theirs.total for pair in pairs], dtype=float)
    matrix = count_categories(pairs)
    both, roots = np.column_stack([theirs, ours]), np.sqrt(np.column_stack([theirs, ours]))
    limits = compute_limits(roots[:, 1], roots[:, 0])
    present = np.array([(pair.ours.has_calcium, pair.theirs.has_calcium) for pair in pairs], dtype=bool).reshape(-1, 2)
    return Agreement(
        n=len(pairs),
        matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        same=share(int(np.trace(matrix)), len(pairs)),
        kappa=estimate_kappa(matrix, "none"),
        kappa_linear=estimate_kappa(matrix, "linear"),
        kappa_quadratic=estimate_kappa(matrix, "quadratic"),
        icc_agreement=estimate_agreement(both),
        icc_consistency=estimate_consistency(both),
        icc_roots=estimate_agreement(roots),
        differences=compute_limits(ours, theirs),
        roots=limits,
        expected=expect_scores(limits),
        pearson=estimate_pearson(ours, theirs),
        spearman=estimate_spearman(ours, theirs),
        concordance=estimate_concordance(ours, theirs),
        detection=compare_presence(present[:, 0], present[:, 1]),
        within_range=share(sum(pair.is_within_range for pair in pairs), len(pairs)),
    )


def compare_arteries(pairs: Sequence[Pair]) -> tuple[ArteryAgreement, ...]:
    """Compare each artery where reader and we name its score."""
    return tuple(_compare_artery(pairs, artery) for artery in ARTERIES)


def count_categories(pairs: Sequence[Pair]) -> NDArray[np.int64]:
    """Count pairs by category, the reader's in rows, ours in columns."""
    matrix = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=np.int64)
    for pair in pairs:
        matrix[pair.theirs.level, pair.ours.level] += 1
    return matrix


def _compare_artery(pairs: Sequence[Pair], artery: Artery) -> ArteryAgreement:
    known = [pair for pair in pairs if artery in pair.ours.arteries and artery in pair.theirs.arteries]
    ours = np.array([pair.ours.arteries[artery] for pair in known], dtype=float)
    theirs = np.array([pair.theirs.arteries[artery] for pair in known], dtype=float)
    ours_present, theirs_present = ours > _DISEASED, theirs > _DISEASED
    detection = compare_presence(ours_present, theirs_present)
    table = [[detection.neither, detection.false_positives], [detection.false_zeros, detection.both]]
    return ArteryAgreement(
        artery=artery,
        n=len(known),
        kappa=estimate_kappa(np.array(table, dtype=np.int64), "none"),
        icc_agreement=estimate_agreement(np.column_stack([theirs, ours])),
        concordance=estimate_concordance(ours, theirs),
        differences=compute_limits(ours, theirs),
        roots=compute_limits(np.sqrt(ours), np.sqrt(theirs)),
        detection=detection,
    )
