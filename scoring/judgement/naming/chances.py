"""What speaks for each artery at a piece of calcium by itself: the nets, the published courses, the division."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from scoring.anatomy.heart import PEAK_MM, Heart, Landmark
from scoring.images.volume import Volume
from scoring.judgement.naming import atlas, continuity, courses, division
from scoring.judgement.naming.atlas import Sighting
from scoring.judgement.naming.pieces import Pieces
from scoring.result import ARTERIES

# The nets are wrong now and then where they are sure.
DOUBT: Final = 0.02
# How far off, along each axis, the nets see a course: about the size of their cubes.
NET_MM: Final = 3.0
# The nets have learnt where arteries run, so that the atlas is no independent witness.
ATLAS: Final = 0.5


def weigh(volume: Volume, heart: Heart, cut: Pieces, shapes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Probability of each artery, (4, n), at each of n pieces by itself.

    `shapes` are the voxels of each candidate (k, 3) in patient coordinates, mm.
    """
    shares = read_shares(heart, cut.middles * np.asarray(volume.spacing_mm))
    sightings = find_sightings(volume, heart)
    if courses.ORIGIN in sightings:
        centres = volume.to_patient(cut.middles)
        each = 1 / np.bincount(cut.candidate)[cut.candidate]
        fitted = atlas.fit_atlas(courses.read_courses(), sightings, centres, shares, each)
        directions = continuity.find_directions(centres, cut.candidate, shapes)
        shares = shares * fitted.share(centres) ** ATLAS * fitted.match(centres, directions)
        shares *= division.weigh_division(sightings, centres)
    return np.asarray(shares / shares.sum(axis=0))


def read_shares(heart: Heart, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nets' probability of each artery, (4, n), at points (n, 3) (z, y, x), given that it is one of them.

    The mean over the places where a point may lie in truth, which six points stand for.
    """
    steps = np.sqrt(3) * NET_MM * np.concatenate((np.eye(3), -np.eye(3)))
    around = (points_mm[:, None] + steps).reshape(-1, 3)
    likelihood = heart.likelihood(around).reshape(len(heart.places), len(points_mm), len(steps)).mean(axis=2)
    none = np.zeros(len(points_mm))
    shares = np.stack([likelihood[heart.places.index(name)] if name in heart.places else none for name in ARTERIES])
    return np.asarray((shares + DOUBT) / (shares + DOUBT).sum(axis=0))


def find_sightings(volume: Volume, heart: Heart) -> dict[str, Sighting]:
    """The landmarks that the atlas knows, in patient coordinates."""
    spacing = np.asarray(volume.spacing_mm)
    seen = {name: heart.landmarks[name] for name in courses.LANDMARKS if name in heart.landmarks}
    return {
        name: Sighting(volume.to_patient(landmark.place_mm / spacing), measure_spread(landmark))
        for name, landmark in seen.items()
    }


def measure_spread(landmark: Landmark) -> float:
    """Spread of a landmark along an axis in mm: that of the normal distribution with its certainty.

    The certainty is the probability within 15 mm along each axis. A second peak far off would make the standard
    deviation large though most of the probability lies together.
    """
    within = float(np.clip(landmark.certainty, 1e-3, 1 - 1e-6)) ** (1 / 3)
    return min(landmark.spread_mm, PEAK_MM / float(ndtri((1 + within) / 2)))
