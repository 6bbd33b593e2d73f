"""Invented sites: patients whose candidates are coronary calcium as often as known weights say."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from scoring.calibration.case import Case
from scoring.calibration.truth import Truth
from scoring.judgement.hypotheses import LEARNT, load_weights

NAMES = tuple(sorted({name for evidence in LEARNT.values() for name in evidence}))
Weights = Mapping[str, Mapping[str, float]]
Shift = Mapping[tuple[str, str], float]


def shifted(shift: Shift) -> dict[str, dict[str, float]]:
    """The shipped weights with some of them changed."""
    weights = copy.deepcopy(load_weights())
    for (reason, name), change in shift.items():
        weights[reason][name] += change
    return weights


def invent_case(rng: np.random.Generator, uid: str, count: int) -> Case:
    """Candidates with evidence of order one around that of calcium near an artery, which no rule excludes."""
    evidence = rng.normal(0, 2, (len(NAMES), count))
    for name, middle in {"coronary": 0.5, "beside": 1.5, "outside": -0.5, "off_root": 2.0, "off_valve": 2.0}.items():
        evidence[NAMES.index(name)] += middle
    evidence[NAMES.index("off_mitral")] += 2.5
    lengths = np.full(count, 3)
    return Case(
        series_instance_uid=uid,
        convention="standard",
        nets="net 1",
        names=NAMES,
        places=evidence,
        looks=evidence,
        fixed_places=np.full(count, -4.0),
        fixed_looks=np.full(count, -4.0),
        agatston=np.round(np.exp(rng.normal(3, 1.2, count)), 4),
        arteries=rng.dirichlet(np.ones(4), count).T,
        runs=np.column_stack([np.arange(count), np.full(count, 5), np.full(count, 10), lengths]),
        owner=np.arange(count),
    )


def answer(rng: np.random.Generator, case: Case, weights: Weights, *, totals: bool = False) -> Truth:
    """A reader for whom each candidate is coronary with the probability of some weights."""
    labels = (rng.random(len(case.agatston)) < case.judge(weights)).astype(np.float64)
    total = round(float(case.agatston @ labels), 4)
    return Truth(total, {}, None if totals else labels)
