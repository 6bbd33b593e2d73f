"""Which candidates are coronary calcium, how sure that is, and in which artery they lie.

Every rule says how well one measured feature fits a coronary calcification (0..1, falling smoothly round its
limit); the weakest rule decides. So a lesion near any limit is uncertain, and its reason names that rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from scoring.agatston import Candidate
from scoring.anatomy import Anatomy
from scoring.anatomy.blood import smoothed, spread
from scoring.anatomy.coarse import Coarse
from scoring.result import Artery
from scoring.volume import Volume

COUNTED, POSSIBLE = 0.5, 0.15
SAMPLE = 200
FAR_MM = 100.0
RING_MM = (2.0, 6.5)
BRIGHT_HU = 8.0
NEAR_MM = (1.0, 3.5)
EDGE_MM = 2.0
BLOOD_HU = 40.0
LOCAL_NOISE_SHARE = 0.75
DARKENING, QUIET_HU = 1.3, 8.0
FAT_HU = (-5.0, 15.0)
LUNG_HU, NOT_FAT_HU = -350, -180
LEFT_MAIN_MM = 14.0
LARGEST_MM3 = 20000.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate judged: `confidence` (0..1) that it is coronary calcium, counted from 0.5 on.

    `artery` is the most likely one also where the candidate is not counted; `reason` names what speaks most
    against the candidate, or is empty where nothing does.
    """

    candidate: Candidate
    counted: bool
    artery: Artery
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A feature that must exceed `limit` (or stay under it, `width` negative); `width` is the softness."""

    feature: str
    limit: float
    width: float
    reason: str


NOISE: Final = "not brighter than noise can be"
NOISE_LIMIT, NOISE_WIDTH = 6.0, 0.7
PLACE_RULES: Final = (
    Rule("depth_mm", 9.0, 1.5, "at the chest wall"),
    Rule("heart_mm", 2.0, -0.5, "outside the heart"),
    Rule("above_mm", -95.0, 4.0, "below the heart"),
    Rule("above_mm", 24.0, -3.0, "above the coronary arteries"),
    Rule("volume_mm3", LARGEST_MM3, -2000.0, "larger than coronary calcium can be"),
    Rule("descending_mm", 4.5, 0.8, "in the wall of the descending aorta"),
    Rule("before_mm", 12.0, 2.0, "behind the heart"),
    Rule("bone_mm", 5.0, 1.0, "at a bone"),
    Rule("airway_mm", 5.0, 1.0, "in the wall of an airway"),
    Rule("hilum_mm", 0.0, -2.0, "in the root of a lung or behind the left atrium"),
)


def judge(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> list[Verdict]:
    """Judge every candidate of a volume, in their order."""
    if not candidates:
        return []
    features = measure(volume, anatomy, candidates)
    confidence, reason = _by_place(features)
    verdicts = []
    for index, candidate in enumerate(candidates):
        if confidence[index] >= POSSIBLE:
            sure, why = _by_surroundings(volume, anatomy, candidate, features, index)
            if sure < confidence[index]:
                confidence[index], reason[index] = sure, why
        sure = float(confidence[index])
        verdicts.append(
            Verdict(
                candidate=candidate,
                counted=sure >= COUNTED,
                artery=_artery(features, index),
                confidence=sure,
                reason=reason[index] if sure < 0.8 else "",
            )
        )
    return verdicts


def _fit(value: float | NDArray[np.float64], limit: float | NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """0..1: one half at the limit, nearly 1 three widths beyond it."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip((np.asarray(value) - limit) / width, -40.0, 40.0))))


def _by_place(features: Features) -> tuple[NDArray[np.float64], list[str]]:
    fits = [_fit(getattr(features, rule.feature), rule.limit, rule.width) for rule in PLACE_RULES]
    fits.append(_fit(features.noise_sd, features.noise_limit, NOISE_WIDTH))
    reasons = [*(rule.reason for rule in PLACE_RULES), NOISE]
    table = np.array(fits)
    return table.min(axis=0), [reasons[index] for index in table.argmin(axis=0)]


def _noise_limit(candidates: int) -> float:
    """Standard deviations above blood that noise hardly reaches: more where it makes more candidates."""
    return NOISE_LIMIT + 0.6 * float(np.log10(max(candidates, 300) / 300.0))


def _by_surroundings(
    volume: Volume, anatomy: Anatomy, candidate: Candidate, features: Features, index: int
) -> tuple[float, str]:
    """The rules that look at the tissue round one candidate, and at the aorta's wall."""
    around = surroundings(volume, anatomy, candidate)
    above = float(features.above_mm[index])
    # Far below, the arteries lie on the diaphragm's side, where thin fat is lost in thick slices.
    thin = float(_fit(above, -65.0, -4.0))
    # Noise alone makes some voxels of blood look like fat.
    limit = FAT_HU[0] + thin * (FAT_HU[1] - FAT_HU[0]) - DARKENING * max(0.0, anatomy.blood.smooth_noise_hu - QUIET_HU)
    noise = float(features.noise_sd[index] * features.noise_hu[index])
    rules = (
        (
            float(_fit(noise / max(LOCAL_NOISE_SHARE * around.noise_hu, 1.0), features.noise_limit[index], NOISE_WIDTH)),
            NOISE,
        ),
        (float(_fit(around.darkest_hu, limit, -8.0)), "no epicardial fat around it"),
        (float(_fit(around.median_hu - features.blood_hu[index], BRIGHT_HU, -2.5)), "in a streak or smear of brightness"),
        (float(_fit(around.lung, 0.22, -0.035)), "in the lung"),
        (float(_fit(around.touching_lung, 0.2, -0.035)), "at the edge of the lung"),
        (_wall(float(features.ascending_mm[index]), above), "in the wall of the ascending aorta"),
    )
    return min(rules)


def _wall(outside_mm: float, above_mm: float) -> float:
    """How well a place fits outside the wall of the ascending aorta and root.

    Below the left main the circle is less sure: only what lies on or inside it is wall or valve, and from
    40 mm on nothing is.
    """
    limit_mm = np.interp(above_mm, [-30.0, -15.0, 0.0], [0.0, 2.0, 4.0])
    return max(float(_fit(outside_mm, float(limit_mm), 1.0)), float(_fit(above_mm, -40.0, -3.0)))


def _artery(features: Features, index: int) -> Artery:
    """Artery by position round the aortic root: right coronary in front and to the right, circumflex behind."""
    above, right = features.above_mm[index], features.right_mm[index]
    behind, left = features.behind_mm[index], features.left_mm[index]
    if above < -55.0 and right > -5.0:
        return "RCA"
    if right > 9.0 and not (behind > 2.0 and left > 8.0 and above > -30.0):
        return "RCA"
    if features.ascending_mm[index] < LEFT_MAIN_MM and behind > 2.0 and above > -25.0:
        return "LM"
    if behind > 20.0 and behind > 0.42 * left:
        return "LCX"
    return "LAD"
