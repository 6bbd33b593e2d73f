"""How well weights agree with the readers, patient by patient, with intervals by resampling patients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.calibration.case import Floats
from scoring.calibration.truth import Example, count_lesions
from scoring.judgement.calibration import Weights
from scoring.judgement.category import categorise
from scoring.result import CATEGORIES, COUNTED, Category

RESAMPLED: Final = 2000
HELD: Final = 0.95
_SEED: Final = 1990


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval that holds 95 % of its values when patients are drawn again."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One case as some weights score it, beside the reader.

    `missed` and `false` are the numbers of lesions wrongly left out and wrongly counted, `lesions` those that the
    reader counted; all 0 where the reader gave totals alone. `confidence_loss` is the Brier score of the candidates.
    """

    series_instance_uid: str
    patient: str
    total: float
    read: float
    lesions: int
    missed: int
    false: int
    is_review: bool
    confidence_loss: float

    @property
    def category(self) -> Category:
        """The category of the score."""
        return categorise(self.total, any_lesion=self.total > 0)

    @property
    def read_category(self) -> Category:
        """The reader's category."""
        return categorise(self.read, any_lesion=self.read > 0)

    @property
    def is_false_zero(self) -> bool:
        """Whether the reader found calcium and the score is 0."""
        return self.total == 0 < self.read

    @classmethod
    def of(cls, example: Example, weights: Weights | None, sharpness: float = 1.0) -> Self:
        """Score a case."""
        case, truth = example.case, example.truth
        probability = case.judge(weights, sharpness)
        counted, missed, false, wrong = probability >= COUNTED, 0, 0, 0.0
        if truth.labels is not None:
            coronary = truth.labels >= COUNTED
            missed, false = int((coronary & ~counted).sum()) + truth.beyond, int((counted & ~coronary).sum())
            wrong = float(np.square(probability - truth.labels).sum())
        return cls(
            case.series_instance_uid,
            example.patient,
            case.sum_counted(probability),
            truth.total,
            count_lesions(example),
            missed,
            false,
            truth.is_review,
            wrong,
        )


FIGURES: Final = ("error", "kappa", "agreement", "mean_absolute_error", "sensitivity", "false_lesions", "brier")
"""`error` is the mean difference of the square roots of score and reader's score, the figure that decides: a repeated
scan differs by the same on that scale, whatever the score (`scoring.risk.spread`). `kappa` is that of the category with
linear weights, `mean_absolute_error` in Agatston units, `sensitivity` the share of the reader's lesions that count,
`false_lesions` and `brier` are per reviewed patient. NaN where nothing was read for it."""
BETTER: Final[Mapping[str, int]] = dict.fromkeys(FIGURES, -1) | {"kappa": 1, "agreement": 1, "sensitivity": 1}
"""1 where more is better, -1 where less is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of two sets of answers to the same cases, and the differences, the second minus the first."""

    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    difference: Mapping[str, Estimate]

    @classmethod
    def of(cls, before: Sequence[Answer], after: Sequence[Answer]) -> Self:
        """Compare; patients are drawn again together with all of their cases, the same for both."""
        patients = sorted({item.patient for item in before})
        rng = np.random.default_rng(_SEED)
        drawn = rng.multinomial(len(patients), np.full(len(patients), 1 / len(patients)), size=RESAMPLED)
        weights = np.vstack([np.ones(len(patients), dtype=np.int64), drawn]).astype(np.float64)
        first, second = (_compute(answers, patients, weights) for answers in (before, after))
        with np.errstate(invalid="ignore"):
            difference = {name: second[name] - first[name] for name in FIGURES}
        return cls(*({name: _estimate(table[name]) for name in FIGURES} for table in (first, second, difference)))


def _compute(answers: Sequence[Answer], patients: Sequence[str], weights: Floats) -> dict[str, Floats]:
    """Each figure (draws,) for patients counted as often as `weights` (draws, patients) tell."""
    owner = np.array([patients.index(item.patient) for item in answers])
    reviewed = np.array([item.is_review for item in answers], dtype=np.float64)

    def total(values: Sequence[float] | Floats) -> Floats:
        per_patient = np.bincount(owner, np.asarray(values, dtype=np.float64), minlength=len(patients))
        return np.asarray(weights @ per_patient)

    cases, seen = total(np.ones(len(answers))), total(reviewed)
    table = np.stack(
        [
            total([item.category == ours and item.read_category == theirs for item in answers])
            for ours in CATEGORIES
            for theirs in CATEGORIES
        ],
        axis=1,
    ).reshape(-1, len(CATEGORIES), len(CATEGORIES))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "error": total([abs(math.sqrt(item.total) - math.sqrt(item.read)) for item in answers]) / cases,
            "kappa": compute_kappa(table),
            "agreement": np.trace(table, axis1=1, axis2=2) / cases,
            "mean_absolute_error": total([abs(item.total - item.read) for item in answers]) / cases,
            "sensitivity": 1 - total([item.missed for item in answers]) / total([item.lesions for item in answers]),
            "false_lesions": total([item.false for item in answers]) / seen,
            "brier": total([item.confidence_loss for item in answers]) / seen,
        }


def compute_kappa(tables: Floats) -> NDArray[np.float64]:
    """Cohen's kappa with linear weights of tables (draws, k, k) of counts (Cohen, Psychol Bull 1968;70:213).

    It is 1 where all are in one category for both: there is no disagreement that chance could make.
    """
    size = tables.shape[1]
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(np.float64)
    count = tables.sum(axis=(1, 2))
    chance = tables.sum(axis=2)[:, :, None] * tables.sum(axis=1)[:, None, :] / count[:, None, None]
    expected, seen = (chance * apart).sum(axis=(1, 2)), (tables * apart).sum(axis=(1, 2))
    return np.asarray(np.where(expected > 0, 1 - seen / np.where(expected > 0, expected, 1.0), 1.0))


def _estimate(values: Floats) -> Estimate:
    """The first value, and the interval of the others that are numbers."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not len(drawn) or not np.isfinite(values[0]):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(drawn, [(1 - HELD) / 2, (1 + HELD) / 2])
    return Estimate(float(values[0]), float(low), float(high))
