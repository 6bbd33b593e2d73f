"""Verdicts on candidates: whether they are coronary calcium, how certain that is, and in which artery they lie.

Every rule says how well one measured feature fits a coronary calcification (0..1, falling smoothly round its
limit); all must hold, so their product decides. A lesion near any limit is uncertain, and its reason is that of
the weakest rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.anatomy.frame import NOISE_ZERO_HU, Anatomy
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.judgement.features import Features, Surroundings, measure, measure_surroundings
from scoring.result import ARTERIES, COUNTED, SURE, Artery

# Examining the surroundings costs time, and thousands of noise candidates fail on position alone. The threshold must
# not exceed POSSIBLE: everything that the range includes has been examined.
LOOKED_AT: Final = 0.15
# Limits on tissue were derived from real scans, limits in mm from the size of the nets' cubes and from anatomy:
# docs/scoring-method.md lists them with their reasons, bench/sensitivity.py moves each of them.
NOISE_LIMIT, NOISE_WIDTH = 6.0, 0.7
LOCAL_NOISE_SHARE = 0.75
FAT_HU, THIN_FAT_HU = -5.0, 15.0
DARKENING, QUIET_HU = 1.3, 8.0
BRIGHT_HU = 8.0
LUNG_SHARE, LUNG_SHARE_IN_FAT, LUNG_ON_COURSE, TOUCHING_SHARE = 0.22, 0.42, 0.3, 0.2
NEAR_COURSE_MM, OSTIUM_MM, AT_ORIGIN_MM = 5.0, 4.0, -1.5
STENT_HU, STENT_MM, AS_STENT = 1000.0, 13.0, 0.6
METAL_HU, METAL_MM2, METAL_DEPTH_MM = 2000.0, 1.0, 3.0


Reason = Literal[
    "outside_heart",
    "off_course",
    "inside_heart",
    "above_arteries",
    "too_large",
    "descending_aorta",
    "at_bone",
    "airway_wall",
    "below_diaphragm",
    "at_oesophagus",
    "like_noise",
    "no_fat",
    "in_streak",
    "in_lung",
    "at_lung",
    "ascending_aorta",
    "like_stent",
]
"""Codes of the reasons against a candidate, as the catalogue of the reports names them."""

NOISE: Final[Reason] = "like_noise"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate judged: `confidence` (0..1) that it is coronary calcium, counted from 0.5 on.

    `artery` is the most likely one also where the candidate is not counted; `reason` is the code of the strongest
    reason against the candidate, or empty where there is none.
    """

    candidate: Candidate
    counted: bool
    artery: Artery
    confidence: float
    reason: Reason | Literal[""]


@dataclass(frozen=True, slots=True)
class Rule:
    """A feature that must exceed `limit` (or stay below it, `width` negative); `width` is the softness.

    `reason` is the code of the sentence about a candidate that fails.
    """

    feature: str
    limit: float
    width: float
    reason: Reason


PLACE_RULES: Final = (
    Rule("heart_mm", 6.5, -1.2, "outside_heart"),
    Rule("nearest_mm", 11.0, -1.8, "off_course"),
    Rule("chamber_mm", -9.0, 1.3, "inside_heart"),
    Rule("above_mm", 24.0, -3.0, "above_arteries"),
    Rule("volume_mm3", 20000.0, -2000.0, "too_large"),
    Rule("descending_mm", 4.5, 0.8, "descending_aorta"),
    Rule("bone_mm", 4.0, 1.0, "at_bone"),
    Rule("airway_mm", 5.0, 1.0, "airway_wall"),
    Rule("abdomen_mm", -4.0, 1.5, "below_diaphragm"),
    Rule("oesophagus_mm", 1.0, 1.0, "at_oesophagus"),
)


def judge(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> list[Verdict]:
    """Judge every candidate of a volume, in their order; lengths in mm, attenuations in HU.

    Raises NotScorable: `metal` for metal where coronary arteries run, `noise` where no lesion is certain and
    the noise may hide others.
    """
    verdicts = _judge_one(volume, anatomy, candidates) if candidates else []
    refuse_noise(anatomy.blood.zero_noise_hu, verdicts)
    return verdicts


def refuse_noise(noise_hu: float, verdicts: Sequence[Verdict]) -> None:
    """Refuse (noise) a score of 0, or of uncertain lesions alone, at a noise of more than 25 HU.

    A calcification of 2 mm is then found in less than half of the scans; a certain lesion still shows that there is
    calcium.
    """
    if noise_hu > NOISE_ZERO_HU and not any(verdict.counted and verdict.confidence >= SURE for verdict in verdicts):
        raise NotScorable("noise", noise_hu=round(noise_hu, 1), limit_hu=NOISE_ZERO_HU)


def _refuse_metal(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> None:
    """Refuse (metal) where 2,000 HU are reached inside the heart, or where coronary calcium could be.

    Checked slice by slice, because a wire that runs through the heart has no single position or height.
    """
    pieces = []
    for candidate in candidates:
        if candidate.max_hu < METAL_HU:
            continue
        metal = candidate.voxels[volume.hu[tuple(candidate.voxels.T)] >= METAL_HU]
        for z in np.unique(metal[:, 0]):
            voxels = metal[metal[:, 0] == z]
            if len(voxels) * volume.spacing_mm[1] * volume.spacing_mm[2] >= METAL_MM2:
                pieces.append(replace(candidate, voxels=voxels, volume_mm3=len(voxels) * volume.voxel_mm3))
    if not pieces:
        return
    features = measure(volume, anatomy, pieces)
    confidence, _, _ = _fit_position(features, _noise_limit(len(candidates)))
    if ((confidence >= COUNTED) | (features.heart_mm < -METAL_DEPTH_MM)).any():
        raise NotScorable("metal", max_hu=max(piece.max_hu for piece in pieces))


def _judge_one(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> list[Verdict]:
    _refuse_metal(volume, anatomy, candidates)
    features = measure(volume, anatomy, candidates)
    noise_limit = _noise_limit(len(candidates))
    confidence, weakest, reasons = _fit_position(features, noise_limit)
    verdicts = []
    for index, candidate in enumerate(candidates):
        sure, weak, reason = float(confidence[index]), float(weakest[index]), reasons[index]
        if sure >= LOOKED_AT:
            around = measure_surroundings(volume, anatomy, candidate)
            smooth_noise_hu = anatomy.blood.smooth_noise_hu
            seen = _fit_surroundings(around, features, index, noise_limit, smooth_noise_hu)
            sure *= math.prod(fits for fits, _ in seen)
            _, reason = min(((weak, reason), *seen), key=itemgetter(0))
            stent = float(fit(features.max_hu[index], STENT_HU, 60.0) * fit(features.length_mm[index], STENT_MM, 1.5))
            if sure >= SURE and stent > COUNTED:
                # Calcium can be this long and bright too: it counts, and a reader reviews it.
                sure, reason = AS_STENT, "like_stent"
        verdicts.append(
            Verdict(
                candidate=candidate,
                counted=sure >= COUNTED,
                artery=_find_artery(features, index),
                confidence=sure,
                reason=reason if sure < SURE else "",
            )
        )
    return verdicts


def fit(value: float | NDArray[np.float64], limit: float, width: float) -> NDArray[np.float64]:
    """Degree to which a value fits, 0..1: one half at the limit, 0.95 three widths beyond; falling if `width` < 0."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip((np.asarray(value) - limit) / width, -40.0, 40.0))))


def _fit_position(
    features: Features, noise_limit: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Reason]]:
    """Fit of candidates to all rules of place together, to the weakest of them, and its reason."""
    fits = [fit(getattr(features, rule.feature), rule.limit, rule.width) for rule in PLACE_RULES]
    fits.append(fit(features.contrast_hu / features.noise_hu, noise_limit, NOISE_WIDTH))
    reasons = [*(rule.reason for rule in PLACE_RULES), NOISE]
    table = np.array(fits)
    return table.prod(axis=0), table.min(axis=0), [reasons[index] for index in table.argmin(axis=0)]


def _noise_limit(candidates: int) -> float:
    """Standard deviations above blood that noise rarely reaches: more where noise produces more candidates."""
    return NOISE_LIMIT + 0.6 * float(np.log10(max(candidates, 300) / 300.0))


def _fit_surroundings(
    around: Surroundings, features: Features, index: int, noise_limit: float, smooth_noise_hu: float
) -> tuple[tuple[float, Reason], ...]:
    """Fit of one candidate to each rule about the tissue around it, and to the rule about the aortic wall."""
    above = float(features.above_mm[index])
    # Far below, the arteries lie on the diaphragmatic surface, where thick slices lose thin fat; and noise alone
    # makes some voxels of blood look like fat.
    thin = float(fit(above, -65.0, -4.0))
    fat_hu = FAT_HU + thin * (THIN_FAT_HU - FAT_HU) - DARKENING * max(0.0, smooth_noise_hu - QUIET_HU)
    # In a slim heart the arteries run close to the lung, but in fat.
    in_fat = float(fit(around.median_hu, -40.0, -10.0))
    on_course = float(fit(features.nearest_mm[index], NEAR_COURSE_MM, -1.0) * fit(features.heart_mm[index], 1.0, -0.7))
    lung_share = LUNG_SHARE + max(in_fat * (LUNG_SHARE_IN_FAT - LUNG_SHARE), on_course * LUNG_ON_COURSE)
    touching = TOUCHING_SHARE + on_course * LUNG_ON_COURSE
    noise = float(features.contrast_hu[index]) / max(LOCAL_NOISE_SHARE * around.noise_hu, 1.0)
    return (
        (float(fit(noise, noise_limit, NOISE_WIDTH)), NOISE),
        (float(fit(around.darkest_hu, fat_hu, -8.0)), "no_fat"),
        (float(fit(around.median_hu - features.blood_hu, BRIGHT_HU, -2.5)), "in_streak"),
        (float(fit(around.lung, lung_share, -0.035)), "in_lung"),
        (float(fit(around.touching_lung, touching, -0.035)), "at_lung"),
        (_fit_outside_root(features, index), "ascending_aorta"),
    )


def _fit_outside_root(features: Features, index: int) -> float:
    """Degree to which a position lies outside the wall of the ascending aorta and root.

    Below the left main the circle is less certain: only what lies on or inside it is wall or valve, and from
    40 mm down nothing is. An artery lies at the wall where it leaves the aorta.
    """
    above_mm = float(features.above_mm[index])
    origin = float(fit(features.course_mm[[ARTERIES.index("LM"), ARTERIES.index("RCA")], index].min(), OSTIUM_MM, -0.6))
    limit_mm = float(np.interp(above_mm, [-30.0, -15.0, 0.0], [0.0, 2.0, 4.0]))
    limit_mm += origin * (AT_ORIGIN_MM - limit_mm)
    return max(float(fit(features.ascending_mm[index], limit_mm, 1.0)), float(fit(above_mm, -40.0, -3.0)))


def _find_artery(features: Features, index: int) -> Artery:
    """The artery whose likely course is nearest."""
    return ARTERIES[int(features.course_mm[:, index].argmin())]
