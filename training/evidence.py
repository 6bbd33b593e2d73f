"""Candidates of phantoms with what the rules say of them and what they are: what confidence is calibrated on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring import agatston, conventions, lesions
from scoring.anatomy import find
from scoring.phantom import Phantom, make_phantom
from scoring.phantom.population import draw
from scoring.phantom.truth import Truth
from scoring.volume import Volume

MATCH_MM: Final = 2.5


@dataclass(frozen=True, slots=True)
class Example:
    """A candidate: how sure the rules are (0..1), whether it is coronary calcium, its Agatston score and the reason."""

    seed: int
    confidence: float
    coronary: bool
    agatston: float
    reason: str


def volume_of(phantom: Phantom) -> Volume:
    """The phantom's image without a way through files."""
    axes = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    return Volume(phantom.hu, phantom.spacing_mm, phantom.origin_mm, axes, images=())


def examples(seed: int) -> list[Example]:
    """All candidates of the phantom of a seed that are not hopeless, or none where it is not scorable."""
    spec = draw(seed)
    phantom = make_phantom(spec)
    volume = volume_of(phantom)
    try:
        anatomy = find(volume)
        found = agatston.candidates(volume, conventions.named("standard", spec.kvp))
        judged = lesions.judge(volume, anatomy, found)
    except NotScorable:
        return []
    return [
        Example(
            seed,
            verdict.confidence,
            is_coronary(phantom.truth, np.asarray(verdict.candidate.centroid_mm), spec.slice_increment_mm / 2),
            verdict.candidate.agatston,
            verdict.reason,
        )
        for verdict in judged
        if verdict.confidence > 0.005
    ]


def is_coronary(truth: Truth, place_mm: NDArray[np.float64], slack_mm: float) -> bool:
    """Whether a place (x, y, z) in patient coordinates lies at a calcification of the truth, and at no distractor.

    `slack_mm` is how far apart places in neighbouring slices are.
    """
    reach = [MATCH_MM + slack_mm + max(item.length_mm, item.diameter_mm) / 2 for item in truth.lesions]
    away = [float(np.linalg.norm(place_mm - item.centre_mm)) for item in truth.lesions]
    foreign = min((float(np.linalg.norm(place_mm - item.centre_mm)) for item in truth.distractors), default=np.inf)
    return any(a <= r and a <= max(foreign, MATCH_MM) for a, r in zip(away, reach, strict=True))
