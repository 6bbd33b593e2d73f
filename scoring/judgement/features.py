"""Where a candidate lies: its distances to the structures of the chest, and what the nets say of its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.frame import Anatomy
from scoring.anatomy.heart import Heart
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.result import ARTERIES

SAMPLE: Final = 60
BESIDE_MM: Final = 5.0
"""Half the median distance by which courses are misplaced in hearts that no net was trained on is 2 to 4 mm."""
RING_MM: Final = 45.0
"""Calcium this near belongs to the same ring: an annulus or a root is 25 to 40 mm wide."""
FAR_MM: Final = 60.0
_AROUND: Final = BESIDE_MM * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])


@dataclass(frozen=True, slots=True)
class Features:
    """Places of candidates: arrays (n,), distances in mm as medians over a candidate's voxels.

    Distances count outwards from a surface, negative inside: `heart_mm` from heart, ascending aorta and pulmonary
    trunk together, `chamber_mm` from the four chambers with their walls, `ascending_mm` and `descending_mm` from the
    wall of either aorta as a circle, `root_mm` from the ascending aorta with its root as the heart's net sees it,
    `bone_mm`, `airway_mm`, `abdomen_mm`, `oesophagus_mm`. `hinge_mm` is the larger of the distances to left atrium and
    left ventricle: small or negative only where both meet, at the mitral annulus. `valve_mm` and `mitral_mm` are the
    distances to the centres of the aortic and mitral valves.

    `artery` (4, n), `root` and `annulus` are the probabilities (0..1) that calcium here belongs to LM, LAD, LCX or RCA,
    to the aortic root, or to the mitral annulus; `beside` is the largest sum of the four within 5 mm, `doubt` (0..1)
    how much the nets disagree. `roots_mm3` and `annuli_mm3` are the volumes of the other candidates within 45 mm that
    probably belong to the root or the annulus. `above_mm` is the height over the left main, `length_mm` the diagonal of
    a candidate's box.
    """

    above_mm: NDArray[np.float64]
    heart_mm: NDArray[np.float64]
    chamber_mm: NDArray[np.float64]
    hinge_mm: NDArray[np.float64]
    valve_mm: NDArray[np.float64]
    mitral_mm: NDArray[np.float64]
    ascending_mm: NDArray[np.float64]
    root_mm: NDArray[np.float64]
    descending_mm: NDArray[np.float64]
    bone_mm: NDArray[np.float64]
    airway_mm: NDArray[np.float64]
    abdomen_mm: NDArray[np.float64]
    oesophagus_mm: NDArray[np.float64]
    artery: NDArray[np.float64]
    beside: NDArray[np.float64]
    root: NDArray[np.float64]
    annulus: NDArray[np.float64]
    doubt: NDArray[np.float64]
    roots_mm3: NDArray[np.float64]
    annuli_mm3: NDArray[np.float64]
    volume_mm3: NDArray[np.float64]
    length_mm: NDArray[np.float64]
    max_hu: NDArray[np.float64]

    @property
    def coronary(self) -> NDArray[np.float64]:
        """Probability that calcium at this place is coronary."""
        return np.asarray(self.artery.sum(axis=0))


def measure(
    volume: Volume,
    anatomy: Anatomy,
    candidates: Sequence[Candidate],
    off_mm: NDArray[np.float64] | None = None,
) -> Features:
    """Features of candidates by their place, from at most 120 voxels of each.

    `off_mm` (n, 3) moves each candidate against the heart: what is seen where the anatomy is misplaced by so much.
    """
    spacing = np.asarray(volume.spacing_mm)
    picks = [item.voxels[:: max(1, len(item.voxels) // SAMPLE)] for item in candidates]
    owner = np.repeat(np.arange(len(picks)), [len(pick) for pick in picks])
    true_mm = np.concatenate(picks) * spacing
    off = np.zeros((len(picks), 3)) if off_mm is None else off_mm
    points = true_mm + off[owner]
    first = np.cumsum([0, *(len(pick) for pick in picks[:-1])])
    middle = np.add.reduceat(points, first) / np.array([len(pick) for pick in picks])[:, None]
    extent = np.maximum.reduceat(points, first) - np.minimum.reduceat(points, first)
    chest, heart = anatomy.chest, anatomy.heart
    names = np.arange(len(picks))

    def median(row: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.median(row, owner, names), dtype=np.float64)

    likely = heart.likelihood(points)
    mean = np.stack([np.asarray(ndimage.mean(row, owner, names), dtype=np.float64) for row in likely])
    artery, root, annulus = _places(heart, mean)
    size = np.array([item.volume_mm3 for item in candidates])
    return Features(
        above_mm=median(true_mm[:, 0]) - anatomy.left_main.z_mm,
        heart_mm=median(chest.body.at(points)),
        chamber_mm=median(heart.chambers.at(points)),
        hinge_mm=median(np.maximum(heart.region("left atrium").at(points), heart.region("left ventricle").at(points))),
        valve_mm=_distance(heart, "aortic_valve", middle),
        mitral_mm=_distance(heart, "mitral_valve", middle),
        ascending_mm=median(anatomy.ascending.outside(points)),
        root_mm=median(heart.aorta.at(points)),
        descending_mm=median(anatomy.descending.outside(true_mm)),
        bone_mm=median(chest.bone.at(true_mm)),
        airway_mm=median(chest.airway.at(true_mm)),
        abdomen_mm=median(chest.abdomen.at(true_mm)),
        oesophagus_mm=median(chest.oesophagus.at(true_mm)),
        artery=artery,
        beside=_beside(heart, middle),
        root=root,
        annulus=annulus,
        doubt=np.asarray(ndimage.mean(heart.disagreement(points), owner, names), dtype=np.float64),
        roots_mm3=_others(middle, root * size),
        annuli_mm3=_others(middle, annulus * size),
        volume_mm3=size,
        length_mm=np.linalg.norm(extent, axis=1),
        max_hu=np.array([item.max_hu for item in candidates]),
    )


def _places(
    heart: Heart, likely: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities of the four arteries (4, n), of root and of annulus (n,): 0 for a place that no net knows."""

    def of(name: str) -> NDArray[np.float64]:
        return likely[heart.places.index(name)] if name in heart.places else np.zeros(likely.shape[1])

    return np.stack([of(name) for name in ARTERIES]), of("root"), of("annulus")


def _beside(heart: Heart, middle_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest probability of any artery at points (n, 3) and 5 mm beside them along each axis."""
    points = (middle_mm[:, None] + _AROUND).reshape(-1, 3)
    artery, _, _ = _places(heart, heart.likelihood(points))
    return np.asarray(artery.sum(axis=0).reshape(len(middle_mm), -1).max(axis=1))


def _distance(heart: Heart, name: str, middle_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    if name not in heart.landmarks:
        return np.full(len(middle_mm), FAR_MM)
    return np.asarray(np.linalg.norm(middle_mm - heart.landmarks[name].place_mm, axis=1))


def _others(middle_mm: NDArray[np.float64], amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the amounts (n,) of the others within 45 mm of each point (n, 3)."""
    heavy = np.flatnonzero(amount >= 1.0)
    total = np.zeros(len(middle_mm))
    for index in heavy:
        near = np.linalg.norm(middle_mm - middle_mm[index], axis=1) <= RING_MM
        near[index] = False
        total[near] += amount[index]
    return total
