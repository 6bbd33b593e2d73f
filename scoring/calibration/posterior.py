"""What each candidate is by the reader's answer and some weights: the expectation step of the fit.

A review says of each candidate whether it is coronary calcium, but not what it is otherwise. A total says only which
candidates make it up together: each selection of the candidates in doubt is weighed by how well it gives the total.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.calibration.case import Case, Floats
from scoring.calibration.truth import Example, Truth
from scoring.result import ARTERIES

MOST_OPEN: Final = 12
"""Candidates whose selections are weighed: 4,096 of them; the others enter with their mean and variance."""
SPREAD: Final = 0.05
"""Readers with other software differ by about so much on the same images, whatever the score (docs/calibrating.md)."""
LEAST_SD: Final = 2.0
"""And by so many Agatston units at least: one small group of pixels more or less."""
UNEXPLAINED: Final = 1e-4
"""Likelihood of a total that no selection explains (another image, a slip of the pen): it teaches little."""


@dataclass(frozen=True, slots=True)
class Selections:
    """Selections (s, k) of the candidates `open` (k,) in doubt, and how likely each is with the reader's total (s,)."""

    open: NDArray[np.intp]
    chosen: Floats
    likelihood: Floats


def expect(example: Example, probability: Floats) -> Floats:
    """The probability (n,) of each candidate to be coronary calcium, given the reader's answer and the judgement's."""
    if example.truth.labels is not None:
        return example.truth.labels
    weighed = _weigh_selections(example.case, example.truth, probability)
    posterior = probability.copy()
    if len(weighed.open):
        posterior[weighed.open] = weighed.likelihood / weighed.likelihood.sum() @ weighed.chosen
    return posterior


def surprise(example: Example, probability: Floats, counts: Floats) -> float:
    """How unlikely the reader's answer is by the judgement's probabilities (n,): minus its logarithm.

    `counts` (n,) is what each candidate of a review counts.
    """
    labels = example.truth.labels
    if labels is None:
        return -math.log(float(_weigh_selections(example.case, example.truth, probability).likelihood.sum()))
    wrong = labels * np.log(_safe(probability)) + (1 - labels) * np.log(_safe(1 - probability))
    return -float(counts @ wrong)


def _weigh_selections(case: Case, truth: Truth, probability: Floats) -> Selections:
    """All selections of the most doubtful candidates, each by its own odds and by the total that it gives."""
    doubt = case.agatston * np.sqrt(probability * (1 - probability))
    open_ = np.sort(np.argsort(-doubt, kind="stable")[:MOST_OPEN])
    chosen = _select(len(open_))
    prior = np.log(_safe(np.where(chosen > 0, probability[open_], 1 - probability[open_]))).sum(axis=1)
    rest = np.ones(len(probability), dtype=bool)
    rest[open_] = False
    fit = np.zeros(len(chosen))
    for stated, share in _list_targets(case, truth):
        amount = case.agatston * share
        mean = chosen @ amount[open_] + float((probability * amount)[rest].sum())
        variance = float((probability * (1 - probability) * amount**2)[rest].sum())
        sd = math.sqrt((LEAST_SD + SPREAD * stated) ** 2 + variance)
        fit -= 0.5 * ((mean - stated) / sd) ** 2
    return Selections(open_, chosen, np.exp(prior) * (np.exp(fit) + UNEXPLAINED))


def _list_targets(case: Case, truth: Truth) -> list[tuple[float, Floats]]:
    """The reader's numbers with the share (n,) of each candidate that belongs to them: by artery, else the total."""
    if set(truth.arteries) == set(ARTERIES):
        return [(truth.arteries[name], case.arteries[row]) for row, name in enumerate(ARTERIES)]
    return [(truth.total, np.ones(len(case.agatston)))]


def _select(count: int) -> NDArray[np.float64]:
    """Every selection of `count` things, (2 ** count, count) of 0 and 1."""
    return ((np.arange(1 << count)[:, None] >> np.arange(count)) & 1).astype(np.float64)


def _safe(share: Floats) -> Floats:
    return np.clip(share, 1e-12, 1.0)
