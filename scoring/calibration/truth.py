"""What a reader said of a case: which candidates are coronary calcium, or totals alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.calibration.case import Case, Floats
from scoring.result import ARTERIES, COUNTED, Artery, Score

TOTAL: Final = "total"
_STRIDE: Final = 1 << 21
"""More than any image has rows or columns."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A reader's answer for one case.

    `total` is the Agatston score, `arteries` what the reader gave by artery (maybe nothing). `labels` (n,) is the share
    of each candidate's voxels that the reader counted, None where there are totals alone. `beyond` is the number of the
    reader's lesions that no candidate holds: no weights can count them.
    """

    total: float
    arteries: Mapping[Artery, float]
    labels: Floats | None = None
    beyond: int = 0

    @property
    def is_review(self) -> bool:
        """Whether the reader decided lesion by lesion."""
        return self.labels is not None


@dataclass(frozen=True, slots=True)
class Example:
    """A case with its truth; `patient` is the same for all cases of one patient, and says nothing else."""

    case: Case
    truth: Truth
    patient: str


def compare(case: Case, signed: Score) -> Truth:
    """The truth of a case by a signed result: a candidate is coronary where its voxels were counted.

    Raises NotScorable (internal) when the result was made by another convention, or of another number of slices.
    """
    if signed.status != "scored" or signed.agatston is None:
        raise NotScorable("internal", error="the reader's result has no score")
    if signed.provenance.convention != case.convention:
        raise NotScorable(
            "internal",
            error=f"the reader's result is by the convention {signed.provenance.convention}, not {case.convention}",
        )
    counted = [_spread(np.array(item.runs, dtype=np.int64).reshape(-1, 4)) for item in signed.lesions]
    everything = np.unique(np.concatenate([np.zeros(0, np.int64), *counted]))
    labels, own = np.zeros(len(case.agatston)), []
    for index in range(len(case.agatston)):
        voxels = _spread(case.runs[case.owner == index])
        labels[index] = np.isin(voxels, everything).mean() if len(voxels) else 0.0
        own.append(voxels)
    known = np.unique(np.concatenate([np.zeros(0, np.int64), *own]))
    beyond = sum(not np.isin(voxels, known).any() for voxels in counted)
    arteries = {artery: signed.agatston.of(artery) for artery in ARTERIES}
    return Truth(signed.agatston.total, arteries, labels, beyond)


def count_lesions(example: Example) -> int:
    """The number of lesions that the reader counted, those that no candidate holds among them; 0 for totals."""
    labels = example.truth.labels
    return 0 if labels is None else int((labels >= COUNTED).sum()) + example.truth.beyond


def _spread(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each voxel of some runs (m, 4) as one number."""
    if not len(runs):
        return np.zeros(0, np.int64)
    length = runs[:, 3]
    first = (runs[:, 0] * _STRIDE + runs[:, 1]) * _STRIDE + runs[:, 2]
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    return np.asarray(np.repeat(first, length) + offset)
