"""Verdicts on candidates: whether they are coronary calcium, how certain that is, and what they are otherwise.

Each candidate is weighed between hypotheses (`hypotheses.py`): the confidence is the probability of coronary calcium,
the reason the likeliest alternative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.frame import Anatomy
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.judgement import hypotheses
from scoring.judgement.evidence import USUAL, gather
from scoring.judgement.features import Features, measure
from scoring.judgement.hypotheses import NOISE, Reason
from scoring.judgement.look import Look, look_at
from scoring.judgement.metal import Metal, find_metal, refuse_metal
from scoring.judgement.noise import count_alike, odds_of_noise, refuse_noise
from scoring.result import ARTERIES, COUNTED, SURE, Artery

LOOKED_AT: Final = 0.02
"""Looking at the surroundings costs time: a candidate with less than this by place and brightness stays out."""
# Metal has a sharp edge against what its streaks spoil.
SPOILT_WIDTH_MM: Final = 1.0
# Calcium can be this long and bright too: it counts, and a reader reviews it.
STENT_HU, STENT_MM, AS_STENT = 1000.0, 13.0, 0.6


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
class Weighed:
    """Candidates weighed: their features, `probability` (n,) of coronary calcium, and the likeliest alternatives."""

    features: Features
    probability: NDArray[np.float64]
    alternatives: list[Reason]


def judge(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> list[Verdict]:
    """Judge every candidate of a volume, in their order; lengths in mm, attenuations in HU.

    Raises NotScorable: `metal` for metal where coronary arteries run, `noise` where no lesion is certain and
    the noise may hide others.
    """
    verdicts = []
    if candidates:
        metal = find_metal(volume, candidates)
        refuse_metal(anatomy, metal)
        weighed = weigh(volume, anatomy, candidates, metal)
        verdicts = [_conclude(weighed, index, candidate) for index, candidate in enumerate(candidates)]
    refuse_noise(
        anatomy.blood.zero_noise_hu, is_any_sure=any(item.counted and item.confidence >= SURE for item in verdicts)
    )
    return verdicts


def weigh(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate], metal: Metal) -> Weighed:
    """Weigh candidates between the hypotheses: all by place and brightness, the possible ones by their look too."""
    features = measure(volume, anatomy, candidates)
    fixed = hypotheses.exclude(features)
    noise = {NOISE: odds_of_noise(count_alike(volume, anatomy.blood, candidates))}
    usual = gather(features, [None] * len(candidates), anatomy.blood.hu)
    probability, alternatives = hypotheses.decide(fixed, noise, hypotheses.weigh(usual))
    chosen = np.flatnonzero(probability >= LOOKED_AT)
    if len(chosen):
        looks = look(volume, anatomy, candidates, chosen)
        seen = gather(features, looks, anatomy.blood.hu)
        whole = hypotheses.decide(
            fixed,
            {NOISE: _local_noise(volume, anatomy, candidates, chosen, looks)},
            _exclude_by_look(looks, anatomy.blood.hu),
            {"beside_metal": _spoilt(volume, candidates, chosen, metal)},
            hypotheses.weigh(seen),
        )
        probability[chosen] = whole[0][chosen]
        for index in chosen:
            alternatives[index] = whole[1][index]
    return Weighed(features, probability, alternatives)


def look(
    volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate], chosen: NDArray[np.intp]
) -> list[Look | None]:
    """What the chosen candidates look like; None for the others."""
    looks: list[Look | None] = [None] * len(candidates)
    for index in chosen:
        looks[index] = look_at(volume, anatomy.blood, candidates[index])
    return looks


def _exclude_by_look(looks: Sequence[Look | None], blood_hu: float) -> dict[Reason, NDArray[np.float64]]:
    seen = [item or USUAL for item in looks]
    return hypotheses.exclude_by_look(
        np.array([item.thick_mm for item in seen]), np.array([item.median_hu for item in seen]) - blood_hu
    )


def _local_noise(
    volume: Volume,
    anatomy: Anatomy,
    candidates: Sequence[Candidate],
    chosen: NDArray[np.intp],
    looks: Sequence[Look | None],
) -> NDArray[np.float64]:
    """Log-odds of noise with the noise around each chosen candidate; 0 for the others."""
    odds = np.zeros(len(candidates))
    local = [(looks[index] or USUAL).noise_hu for index in chosen]
    odds[chosen] = odds_of_noise(count_alike(volume, anatomy.blood, [candidates[index] for index in chosen], local))
    return odds


def _spoilt(
    volume: Volume, candidates: Sequence[Candidate], chosen: NDArray[np.intp], metal: Metal
) -> NDArray[np.float64]:
    """Log-odds that a chosen candidate is what metal beside it makes of the image."""
    odds = np.full(len(candidates), -hypotheses.MOST)
    spacing = np.asarray(volume.spacing_mm)
    for index in chosen:
        inside_mm = metal.spoils(candidates[index].voxels * spacing)
        odds[index] = np.clip(inside_mm / SPOILT_WIDTH_MM, -hypotheses.MOST, hypotheses.MOST)
    return odds


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
