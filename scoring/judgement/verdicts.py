"""Verdicts on candidates: whether they are coronary calcium, how certain that is, and what they are otherwise.

Each candidate is weighed between hypotheses (`hypotheses.py`): the confidence is the probability of coronary calcium,
the reason the likeliest alternative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.frame import Anatomy
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.judgement import hypotheses
from scoring.judgement.calibration import Calibration
from scoring.judgement.evidence import USUAL, gather
from scoring.judgement.features import Features, measure
from scoring.judgement.hypotheses import NOISE, Reason
from scoring.judgement.look import Look, look_at
from scoring.judgement.metal import Metal, find_metal, refuse_metal
from scoring.judgement.noise import count_alike, odds_of_noise, refuse_noise
from scoring.result import ARTERIES, COUNTED, SURE, Artery

LOOKED_AT: Final = 0.05
"""Looking at the surroundings costs time: a candidate with less than this by place and brightness stays out."""
# Metal has a sharp edge against what its streaks spoil.
SPOILT_WIDTH_MM: Final = 1.0
# Calcium can be this long and bright too: it counts, and a reader reviews it. In the population of phantoms 4 % of the
# patients have a stent, and of the 20 % over 400 more than half calcium like this.
STENT_HU, STENT_MM, AS_STENT = 1000.0, 13.0, 0.75


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate judged: `confidence` (0..1) that it is coronary calcium, counted from 0.5 on.

    `artery` is the most likely one also where the candidate is not counted; `alternative` is the code of what it would
    be otherwise, and `reason` the same code, or empty where there is no reason for doubt.
    """

    candidate: Candidate
    counted: bool
    artery: Artery
    confidence: float
    reason: Reason | Literal[""]
    alternative: Reason | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """Candidates as measured: their features, looks (None where not looked at), and the blood's HU.

    `alike` (n,) is how many groups like each noise would make (decimal logarithm), `inside_metal_mm` (n,) how far each
    lies within the reach of metal.
    """

    features: Features
    blood_hu: float
    alike: NDArray[np.float64]
    inside_metal_mm: NDArray[np.float64]
    looks: Sequence[Look | None]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Candidates weighed: their features, `probability` (n,) of coronary calcium, and the likeliest alternatives."""

    features: Features
    probability: NDArray[np.float64]
    alternatives: list[Reason]


def judge(
    volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate], calibration: Calibration | None = None
) -> list[Verdict]:
    """Judge every candidate of a volume, in their order; lengths in mm, attenuations in HU.

    `calibration` replaces the shipped weights of the learnt hypotheses.

    Raises NotScorable: `metal` for metal where coronary arteries run, `noise` where no lesion is certain and
    the noise may hide others.
    """
    verdicts = []
    if candidates:
        metal = find_metal(volume, candidates)
        refuse_metal(anatomy, metal)
        weighed = weigh(volume, anatomy, candidates, metal, calibration)
        verdicts = [_conclude(weighed, index, candidate) for index, candidate in enumerate(candidates)]
    refuse_noise(
        anatomy.blood.zero_noise_hu, is_any_sure=any(item.counted and item.confidence >= SURE for item in verdicts)
    )
    return verdicts


def weigh(
    volume: Volume,
    anatomy: Anatomy,
    candidates: Sequence[Candidate],
    metal: Metal,
    calibration: Calibration | None = None,
) -> Weighed:
    """Weigh candidates between the hypotheses: all by place and brightness, the possible ones by their look too."""
    return decide(observe(volume, anatomy, candidates, metal, calibration=calibration), calibration)


def observe(
    volume: Volume,
    anatomy: Anatomy,
    candidates: Sequence[Candidate],
    metal: Metal,
    looked_at: float = LOOKED_AT,
    calibration: Calibration | None = None,
) -> Observed:
    """Measure candidates: all by place and brightness, those with a probability of `looked_at` by their look too."""
    seen = observe_places(volume, anatomy, candidates)
    chosen = np.flatnonzero(decide(seen, calibration).probability >= looked_at)
    return look_closer(volume, anatomy, candidates, metal, seen, chosen)


def observe_places(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> Observed:
    """Measure candidates by place and brightness alone."""
    return Observed(
        features=measure(volume, anatomy, candidates),
        blood_hu=anatomy.blood.hu,
        alike=count_alike(volume, anatomy.blood, candidates),
        inside_metal_mm=np.full(len(candidates), -np.inf),
        looks=[None] * len(candidates),
    )


def look_closer(
    volume: Volume,
    anatomy: Anatomy,
    candidates: Sequence[Candidate],
    metal: Metal,
    seen: Observed,
    chosen: NDArray[np.intp],
) -> Observed:
    """Add the looks of the chosen candidates, the noise around them, and the reach of metal."""
    if not len(chosen):
        return seen
    looks = look(volume, anatomy, candidates, chosen)
    alike, inside_mm = seen.alike.copy(), seen.inside_metal_mm.copy()
    local = [(looks[index] or USUAL).noise_hu for index in chosen]
    alike[chosen] = count_alike(volume, anatomy.blood, [candidates[index] for index in chosen.tolist()], local)
    spacing = np.asarray(volume.spacing_mm)
    for index in chosen.tolist():
        inside_mm[index] = metal.spoils(candidates[index].voxels * spacing)
    return replace(seen, alike=alike, inside_metal_mm=inside_mm, looks=looks)


def look(
    volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate], chosen: NDArray[np.intp]
) -> list[Look | None]:
    """What the chosen candidates look like; None for the others."""
    looks: list[Look | None] = [None] * len(candidates)
    for index in chosen:
        looks[index] = look_at(volume, anatomy.blood, candidates[index])
    return looks


def decide(seen: Observed, calibration: Calibration | None = None) -> Weighed:
    """The probability of coronary calcium and the likeliest alternative of each candidate that was observed."""
    probability, alternatives = hypotheses.decide(
        *exclude(seen),
        hypotheses.weigh(
            gather(seen.features, seen.looks, seen.blood_hu), None if calibration is None else calibration.weights
        ),
    )
    if calibration is not None:
        probability = calibration.sharpen(probability)
    return Weighed(seen.features, probability, alternatives)


def exclude(seen: Observed) -> tuple[dict[Reason, NDArray[np.float64]], ...]:
    """The log-odds of the hypotheses that physics and anatomy fix, in groups: no calibration changes them."""
    looks = [item or USUAL for item in seen.looks]
    spoilt = np.clip(seen.inside_metal_mm / SPOILT_WIDTH_MM, -hypotheses.MOST, hypotheses.MOST)
    return (
        hypotheses.exclude(seen.features),
        hypotheses.exclude_by_look(
            np.array([item.thick_mm for item in looks]),
            np.array([item.median_hu for item in looks]) - seen.blood_hu,
            np.array([item.lung for item in looks]),
            np.array([item.off_lung_mm for item in looks]),
        ),
        {NOISE: odds_of_noise(seen.alike), "beside_metal": spoilt},
    )


def _conclude(weighed: Weighed, index: int, candidate: Candidate) -> Verdict:
    features, sure = weighed.features, float(weighed.probability[index])
    alternative: Reason = weighed.alternatives[index]
    if sure >= SURE and features.max_hu[index] > STENT_HU and features.length_mm[index] > STENT_MM:
        sure, alternative = AS_STENT, "like_stent"
    return Verdict(
        candidate=candidate,
        counted=sure >= COUNTED,
        artery=ARTERIES[int(features.artery[:, index].argmax())],
        confidence=sure,
        reason=alternative if sure < SURE else "",
        alternative=alternative,
    )
