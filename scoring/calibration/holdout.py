"""Leaving one patient out: what weights fitted to all others say of each, and how strong the pull must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.calibration.case import Floats
from scoring.calibration.fit import Fitter
from scoring.calibration.posterior import surprise
from scoring.judgement.calibration import Weights

PULLS: Final = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Strengths of the pull to the shipped weights that are tried, besides an infinite one: the shipped weights."""
FIXED: Final = float("inf")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """For each patient, in the order of the fitter's numbers, what the others' weights are; and the same for all.

    `pull` is the strength that predicts best, infinite where the shipped weights do; `losses` tells the mean loss of a
    patient by each strength.
    """

    weights: tuple[Weights, ...]
    sharpness: tuple[float, ...]
    final: Weights
    final_sharpness: float
    pull: float
    losses: dict[float, float]


def tell_nobody(done: int, of: int) -> None:
    """Report no progress."""


def hold_out(fitter: Fitter, told: Callable[[int, int], object] = tell_nobody) -> HeldOut:
    """Fit to all patients but each one in turn, and to all of them.

    The strength of the pull for a patient is the one that predicts the other patients best, each by weights fitted
    without that one; the weights that judge a patient are fitted without the patient. `told` is called after each fit
    with the number done and that of all.
    """
    count, shipped = fitter.patients, fitter.layout.shipped
    vectors: dict[float, list[Floats]] = {FIXED: [shipped] * count}
    whole: dict[float, Floats] = {FIXED: shipped}
    done, steps = 0, len(PULLS) * (count + 1)
    start = shipped
    for pull in sorted(PULLS, reverse=True):
        start = whole[pull] = fitter.fit(pull, start=start)
        vectors[pull] = []
        for patient in range(count):
            vectors[pull].append(fitter.fit(pull, left_out=patient, start=start))
            done += 1
            told(done, steps)
        done += 1
    losses = {pull: _lose(fitter, found) for pull, found in vectors.items()}
    chosen = [_choose(losses, left_out=patient) for patient in range(count)]
    pull = _choose(losses)
    best = [vectors[strength][patient] for patient, strength in enumerate(chosen)]
    layout = fitter.layout
    return HeldOut(
        weights=tuple(layout.to_weights(vector) for vector in best),
        sharpness=tuple(layout.to_sharpness(vector) for vector in best),
        final=layout.to_weights(whole[pull]),
        final_sharpness=layout.to_sharpness(whole[pull]),
        pull=pull,
        losses={strength: float(values.mean()) for strength, values in losses.items()},
    )


def _choose(losses: dict[float, Floats], left_out: int | None = None) -> float:
    """The strength with the least loss over the patients but one; of equal ones the strongest."""
    totals = {pull: values.sum() - (0 if left_out is None else values[left_out]) for pull, values in losses.items()}
    return min(sorted(totals, reverse=True), key=lambda pull: totals[pull])


def _lose(fitter: Fitter, vectors: list[Floats]) -> Floats:
    """The loss of each patient: how unlikely the reader's answers are by weights fitted to the others."""
    probability = np.zeros(len(fitter.stack.patient))
    for patient, vector in enumerate(vectors):
        own = fitter.stack.patient == patient
        probability[own] = fitter.judge(vector)[own]
    parts = np.split(probability, fitter.stack.borders)
    counts = np.split(fitter.count(fitter.expect(fitter.layout.shipped)), fitter.stack.borders)
    losses = np.zeros(fitter.patients)
    for number, example in enumerate(fitter.stack.examples):
        losses[fitter.numbers[number]] += surprise(example, parts[number], counts[number])
    return losses
