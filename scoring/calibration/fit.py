"""The weights that the readings and the shipped weights make likeliest together.

Minimised is, over the candidates i of all cases, with y the reader's answer and p the judgement's probability, whose
log-odds are stretched by the sharpness,

    sum c_i [-y_i log p_i - (1 - y_i) log(1 - p_i)] + pull * sum ((w - w0) / scale) ** 2

downhill from the shipped weights w0. It is the likelihood of the training, but for one thing: there it is known what a
candidate is that is not coronary calcium, and a reader does not say. Where the reader gives totals alone, y is expected
from the weights before, and the sum is minimised again until both stay (expectation and maximisation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from scoring.calibration.case import Floats
from scoring.calibration.posterior import expect
from scoring.calibration.truth import Example
from scoring.judgement.calibration import DIGITS, INTERCEPT, SHARPEST, Weights, find_limits
from scoring.judgement.hypotheses import LEARNT, Reason, load_weights

MOST: Final = 10.0
"""Weight of all candidates of one kind in one patient together, as in training: a noisy scan has a hundred alike."""
INTERCEPT_SCALE: Final = 2.0
"""How frequent something is differs between sites more than what it looks like."""
SHARPNESS_SCALE: Final = 2.0
STEPS: Final = 10
_SETTLED: Final = 0.01


@dataclass(frozen=True, slots=True)
class Layout:
    """The weights as one vector: intercepts first, then the evidence of each hypothesis; with limits and scales.

    Behind them stands the logarithm of the sharpness: readers may be surer than the shipped weights, without any of
    them being wrong.
    """

    keys: tuple[tuple[Reason, str], ...]
    shipped: Floats
    low: Floats
    high: Floats
    scale: Floats

    @classmethod
    def of_shipped(cls) -> Self:
        """The layout around the shipped weights."""
        shipped = load_weights()
        keys: list[tuple[Reason, str]] = [(reason, INTERCEPT) for reason in LEARNT]
        keys += [(reason, name) for reason, evidence in LEARNT.items() for name in evidence]
        values = [shipped[reason][name] for reason, name in keys]
        limits = [
            find_limits(value, name, LEARNT[reason].get(name, 0))
            for (reason, name), value in zip(keys, values, strict=True)
        ]
        scale = [INTERCEPT_SCALE if name == INTERCEPT else 1.0 for _, name in keys]
        low, high = np.array([*limits, (-math.log(SHARPEST), math.log(SHARPEST))]).T
        return cls(tuple(keys), np.array([*values, 0.0]), low, high, np.array([*scale, SHARPNESS_SCALE]))

    def to_weights(self, vector: Floats) -> Weights:
        """The weights of a vector, rounded and within their limits."""
        weights: dict[str, dict[str, float]] = {reason: {} for reason in LEARNT}
        rounded = np.clip(np.round(vector, DIGITS), self.low, self.high)
        for (reason, name), value in zip(self.keys, rounded[:-1].tolist(), strict=True):
            weights[reason][name] = value + 0.0
        return weights

    def to_sharpness(self, vector: Floats) -> float:
        """The sharpness of a vector, rounded."""
        return round(float(np.exp(vector[-1])), DIGITS)


@dataclass(frozen=True, slots=True)
class Stack:
    """The candidates of all cases side by side.

    `patient` (n,) is the number of the patient, `reviewed` (n,) whether the reader decided on the candidate itself;
    `borders` split the candidates into cases.
    """

    evidence: Floats
    fixed: Floats
    patient: NDArray[np.intp]
    reviewed: NDArray[np.bool_]
    examples: tuple[Example, ...]
    borders: tuple[int, ...]

    @classmethod
    def of(cls, examples: Sequence[Example], names: Sequence[str]) -> Self:
        """Stack the cases; `names` orders the evidence."""
        known = sorted({item.patient for item in examples})
        counts = [len(item.case.agatston) for item in examples]
        used = [item.case for item in examples if len(item.case.agatston)]
        rows = [item.looks[[item.names.index(name) for name in names]] for item in used]
        return cls(
            evidence=np.concatenate([np.zeros((len(names), 0)), *rows], axis=1),
            fixed=np.concatenate([np.zeros(0), *(item.fixed_looks for item in used)]),
            patient=np.repeat([known.index(item.patient) for item in examples], counts),
            reviewed=np.repeat([item.truth.is_review for item in examples], counts),
            examples=tuple(examples),
            borders=tuple(np.cumsum(counts)[:-1].tolist()),
        )


class Fitter:
    """Fits weights to some patients of a stack, from the shipped ones or from earlier ones."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """`numbers` tells which of the `patients` each example belongs to."""
        self.layout = Layout.of_shipped()
        names = sorted({name for evidence in LEARNT.values() for name in evidence})
        self.stack = Stack.of(examples, names)
        rows: list[str] = list(LEARNT)
        learnt = self.layout.keys[len(rows) :]
        self._place = (
            tuple(np.array([rows.index(reason) for reason, _ in learnt])),
            tuple(np.array([names.index(name) for _, name in learnt])),
        )
        self._count = len(rows)
        known = sorted({item.patient for item in examples})
        self.numbers = tuple(known.index(item.patient) for item in examples)
        self.patients = len(known)

    def fit(self, pull: float, left_out: int | None = None, start: Floats | None = None) -> Floats:
        """The best vector of weights for every patient but `left_out`, with a pull to the shipped ones."""
        used = self.stack.patient != left_out if left_out is not None else np.ones(len(self.stack.patient), bool)
        vector = self.layout.shipped if start is None else start
        if not used.any():
            return self.layout.shipped
        for _ in range(STEPS):
            previous = vector
            vector = self._descend(vector, self.expect(vector), used, pull)
            if self.stack.reviewed.all() or np.abs(vector - previous).max() < _SETTLED:
                break
        return vector

    def weigh(self, vector: Floats) -> Floats:
        """The log-odds (hypotheses, n) of the learnt hypotheses."""
        matrix = np.zeros((self._count, len(self.stack.evidence)))
        matrix[self._place] = vector[self._count : -1]
        return np.asarray(matrix @ self.stack.evidence + vector[: self._count, None])

    def judge(self, vector: Floats) -> Floats:
        """The probability (n,) of coronary calcium by a vector of weights."""
        against = np.log(np.exp(self.stack.fixed) + np.exp(self.weigh(vector)).sum(axis=0))
        return np.asarray(expit(-np.exp(vector[-1]) * against))

    def expect(self, vector: Floats) -> Floats:
        """The reader's answer (n,) as far as it is known, given the judgement by a vector of weights."""
        probability = self.judge(vector)
        parts = np.split(probability, self.stack.borders)
        given = [expect(item, part) for item, part in zip(self.stack.examples, parts, strict=True)]
        return np.concatenate([np.zeros(0), *given])

    def count(self, answer: Floats) -> Floats:
        """What each candidate counts (n,), so that neither kind has more than `MOST` in one patient."""
        counts = np.zeros(len(answer))
        for share in (answer, 1 - answer):
            total = np.bincount(self.stack.patient, share, minlength=self.patients)
            counts += share * np.minimum(1.0, MOST / np.maximum(total, 1e-9))[self.stack.patient]
        return counts

    def _descend(self, start: Floats, answer: Floats, used: NDArray[np.bool_], pull: float) -> Floats:
        """The least of the sum, downhill from a vector, for answers (n,) that are taken as given."""
        fixed, evidence = np.exp(self.stack.fixed[used]), self.stack.evidence[:, used]
        counts, other_share = self.count(answer)[used], 1 - answer[used]
        layout, count = self.layout, self._count
        matrix = np.zeros((count, len(evidence)))

        def loss(vector: Floats) -> tuple[float, Floats]:
            matrix[self._place] = vector[count:-1]
            # evidence and weights are bounded, so that no odds overflow
            odds = np.exp(matrix @ evidence + vector[:count, None])
            other = odds.sum(axis=0) + fixed
            logit, sharpness = np.log(other), float(np.exp(vector[-1]))
            scaled = sharpness * logit
            wrong = counts * sharpness * (expit(scaled) - other_share)
            off = odds * (wrong / other)
            away = (vector - layout.shipped) / layout.scale
            value = float(counts @ (np.logaddexp(0, scaled) - other_share * scaled)) + pull * float(away @ away)
            slope = np.concatenate([off.sum(axis=1), (off @ evidence.T)[self._place], [wrong @ logit]])
            return value, slope + 2 * pull * away / layout.scale

        bounds = list(zip(layout.low, layout.high, strict=True))
        best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
        return np.asarray(best.x, dtype=np.float64)
