"""The weights of the judgement's learnt hypotheses, from candidates whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scoring.judgement.hypotheses import LEARNT
from training.lookalikes import COPIES, CORONARY, Taught

Floats = NDArray[np.float64]

SHRINK: Final = 3.0
"""Weight of the squares of the weights in the loss: each counts as so many candidates."""
DIGITS: Final = 3
MOST: Final = 10.0
"""Weight of all candidates of one kind in one patient together: a noisy scan has a hundred alike."""


def fit(taught: Sequence[Taught]) -> dict[str, dict[str, float]]:
    """Weights by hypothesis and evidence: multinomial logistic regression with the signs of `LEARNT`.

    Coronary calcium has log-odds of 0. Each copy of a candidate counts as one of `COPIES`. A hypothesis without any
    candidate is left at an intercept that makes it unlikely.
    """
    used = [item for item in taught if len(item.kind)]
    names = list(used[0].names)
    kind = np.concatenate([np.tile(item.kind, COPIES) for item in used])
    x = np.concatenate([np.concatenate(list(item.evidence), axis=1) for item in used], axis=1)
    counts = np.concatenate([np.tile(_weigh_alike(item.kind), COPIES) for item in used]) / COPIES
    classes = [CORONARY, *LEARNT]
    target = np.array([classes.index(name) for name in kind])
    columns = [(number, names.index(name)) for number, of in enumerate(LEARNT.values()) for name in of]
    signs = [sign for of in LEARNT.values() for sign in of.values()]
    count = len(LEARNT)
    bounds = [(None, None)] * count + [(0.0, None) if s > 0 else (None, 0.0) if s < 0 else (None, None) for s in signs]

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = np.zeros((count + 1, x.shape[1]))
        logits[1:] += values[:count, None]
        for weight, (row, column) in zip(values[count:], columns, strict=True):
            logits[row + 1] += weight * x[column]
        top = logits.max(axis=0)
        share = np.exp(logits - top)
        share /= share.sum(axis=0)
        picked = share[target, np.arange(len(target))]
        off = share.copy()
        off[target, np.arange(len(target))] -= 1
        off *= counts
        slope = np.array([float(off[row + 1] @ x[column]) for row, column in columns])
        total = -float(counts @ np.log(np.maximum(picked, 1e-12))) + SHRINK * float((values[count:] ** 2).sum())
        total += 0.01 * float((values[:count] ** 2).sum())
        gradient = np.concatenate([off[1:].sum(axis=1) + 0.02 * values[:count], slope + 2 * SHRINK * values[count:]])
        return total, gradient

    start = np.concatenate([np.full(count, -2.0), 0.1 * np.array(signs, dtype=np.float64)])
    best = np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000}).x)
    weights: dict[str, dict[str, float]] = {reason: {"intercept": float(best[i])} for i, reason in enumerate(LEARNT)}
    for value, (row, column) in zip(best[count:], columns, strict=True):
        weights[list(LEARNT)[row]][names[column]] = float(value)
    return weights


def correct(weights: dict[str, dict[str, float]], rarity: dict[str, float]) -> dict[str, dict[str, float]]:
    """The weights for patients in whom each hypothesis is `rarity` times as frequent as among those learnt from."""
    return {
        reason: of | {"intercept": of["intercept"] + math.log(rarity.get(reason, 1.0))}
        for reason, of in weights.items()
    }


def _weigh_alike(kind: NDArray[np.str_]) -> Floats:
    """The weight of each candidate of one patient, so that no kind has more than `MOST`."""
    _, number, count = np.unique(kind, return_inverse=True, return_counts=True)
    return np.asarray(np.minimum(1.0, MOST / count)[number], dtype=np.float64)


def write(weights: dict[str, dict[str, float]], path: Path, header: str) -> None:
    """Write weights as TOML, after a line that says where they come from."""
    lines = [f"# {header}"]
    for reason, of in weights.items():
        lines += ["", f"[{reason}]", *(f"{name} = {round(value, DIGITS) + 0.0}" for name, value in of.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def describe(taught: Sequence[Taught], weights: dict[str, dict[str, float]]) -> str:
    """A Markdown table: of each kind, how many candidates there are, and how many the weights take for coronary."""
    from scoring.judgement import hypotheses  # noqa: PLC0415

    rows = {name: [0, 0, 0.0] for name in (CORONARY, *LEARNT)}
    for item in (item for item in taught if len(item.kind)):
        evidence = {str(name): item.evidence[0][number] for number, name in enumerate(item.names)}
        sure, _ = hypotheses.decide(hypotheses.weigh(evidence, weights))
        for kind, probability, score in zip(item.kind, sure, item.score, strict=True):
            row = rows[str(kind)]
            row[0] += 1
            row[1] += int(probability >= 0.5)
            row[2] += float(score) * (probability >= 0.5)
    lines = ["| kind | candidates | taken for coronary | Agatston of these |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {row[0]} | {row[1]} | {row[2]:.0f} |" for name, row in rows.items()]
    return "\n".join(lines)
