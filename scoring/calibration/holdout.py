"""Leaving one patient out: what weights fitted to all others say of each, and how strong the pull must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from scoring.calibration.case import Floats
from scoring.calibration.fit import Fitter
from scoring.calibration.posterior import surprise
from scoring.judgement.calibration import SHARPEST, Weights
from scoring.judgement.hypotheses import load_weights

PULLS: Final = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Strengths of the pull to the shipped weights that are tried, besides an infinite one: the shipped weights."""
FIXED: Final = float("inf")
SHARPNESS_SPREAD: Final = 0.25
"""Standard deviation that the logarithm of the sharpness is expected to have."""
_CERTAIN: Final = 20.0


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

    The strength of the pull for a patient is the one that predicts the other patients best: a patient's own reading
    enters nothing that judges it. `told` is called after each fit with the number done and that of all.
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
    odds = _assemble(fitter, [vectors[best][patient] for patient, best in enumerate(chosen)])
    return HeldOut(
        weights=tuple(_name(fitter, best, vectors[best][patient]) for patient, best in enumerate(chosen)),
        sharpness=tuple(_sharpen(fitter, odds, patient) for patient in range(count)),
        final=_name(fitter, pull, whole[pull]),
        final_sharpness=_sharpen(fitter, odds, None),
        pull=pull,
        losses={strength: float(values.mean()) for strength, values in losses.items()},
    )


def _choose(losses: dict[float, Floats], left_out: int | None = None) -> float:
    """The strength with the least loss over the patients but one; of equal ones the strongest."""
    totals = {pull: values.sum() - (0 if left_out is None else values[left_out]) for pull, values in losses.items()}
    return min(sorted(totals, reverse=True), key=lambda pull: totals[pull])


def _name(fitter: Fitter, pull: float, vector: Floats) -> Weights:
    return load_weights() if pull == FIXED else fitter.layout.to_weights(vector)


def _assemble(fitter: Fitter, vectors: list[Floats]) -> Floats:
    """The log-odds (n,) of coronary calcium, each patient's candidates by its own vector."""
    odds = np.zeros(len(fitter.stack.patient))
    for patient, vector in enumerate(vectors):
        own = fitter.stack.patient == patient
        against = np.logaddexp(np.logaddexp.reduce(fitter.weigh(vector)[:, own], axis=0), fitter.stack.fixed[own])
        odds[own] = -against
    return odds


def _lose(fitter: Fitter, vectors: list[Floats]) -> Floats:
    """The loss of each patient: how unlikely the reader's answers are by weights fitted to the others."""
    odds = _assemble(fitter, vectors)
    probability = np.split(1 / (1 + np.exp(-odds)), fitter.stack.borders)
    counts = np.split(fitter.count(fitter.expect(fitter.layout.shipped)), fitter.stack.borders)
    losses = np.zeros(fitter.patients)
    for number, example in enumerate(fitter.stack.examples):
        losses[fitter.numbers[number]] += surprise(example, probability[number], counts[number])
    return losses


def _sharpen(fitter: Fitter, odds: Floats, left_out: int | None) -> float:
    """How far log-odds (n,) are to be stretched to be as certain as they are right, by the reviews of all but one."""
    used = (np.abs(odds) < _CERTAIN) & fitter.stack.reviewed
    if left_out is not None:
        used &= fitter.stack.patient != left_out
    answer = fitter.expect(fitter.layout.shipped)
    counts, known, own = fitter.count(answer)[used], answer[used], odds[used]

    def loss(stretch: float) -> float:
        scaled = own * np.exp(stretch)
        value = counts @ (known * np.logaddexp(0, -scaled) + (1 - known) * np.logaddexp(0, scaled))
        return float(value + 0.5 * (stretch / SHARPNESS_SPREAD) ** 2)

    limit = float(np.log(SHARPEST))
    return round(float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x)), 3)
