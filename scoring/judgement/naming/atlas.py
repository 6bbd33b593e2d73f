"""The mean courses laid into a patient: moved and turned as a whole, and each artery a little by itself.

What is known of a patient are the landmarks that the nets see and the lesions themselves. Both are measured against
the mean courses with their spreads; the likeliest position of all together is found by expectation-maximisation: which
point of which course each piece of calcium belongs to (as probabilities), and the move that fits them best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.judgement.naming.courses import LANDMARKS, ORIGIN, ORIGINS, Courses
from scoring.result import ARTERIES

# Spreads between people (docs/scoring-method.md): the heart's axis turns by 9 degrees about the vertical and less
# about the other axes; a whole artery is off by 6 mm, but not where it begins: spreads grow over the first 40 mm.
TURN_DEG: Final = (6.0, 6.0, 9.0)
ARTERY_MM, HELD_MM = 6.0, 40.0
# A plaque runs along its vessel; between people directions differ by 7 to 21 degrees about each axis, and within a few
# mm vessels bend.
OFF_COURSE_DEG: Final = 25.0
ANYWHERE_MM: Final = 30.0
LEAST_MM: Final = 4.0
# Lesions of a patient err together, so that a hundred pieces know no more than a dozen.
MOST_LESIONS: Final = 12.0
ROUNDS: Final = 12
# Calcium in side branches: about 12 % of an artery's, within some 20 mm of it; the left main has none.
BRANCHED, BRANCH_MM = 0.12, 20.0
# Chance per mm3 that calcium of an artery lies anywhere.
ASTRAY: Final = 1e-8
_ARTERIES_MOVED: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A landmark as the net sees it: its place (3,) in patient coordinates and its spread, mm."""

    place_mm: NDArray[np.float64]
    spread_mm: float


@dataclass(frozen=True, slots=True)
class Atlas:
    """The courses in a patient: `points` (n, 3) in patient coordinates and `spread` (n, 3) round them, in mm.

    `ways` (n, 3) are unit vectors along the courses. The spread holds both how far an artery strays from its course and
    how far the course itself may be off.
    """

    points: NDArray[np.float64]
    spread: NDArray[np.float64]
    ways: NDArray[np.float64]
    courses: Courses

    def share(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each artery, (4, n), for calcium at places (n, 3), from their position alone."""
        each = self._sum_by_artery(self._density(places)) + ASTRAY
        return np.asarray(each / each.sum(axis=0))

    def match(self, places: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Factor for each artery, (4, n), by which calcium at places (n, 3) runs along it.

        `directions` (n, 3) are as long as they are clear, 0 to 1.
        """
        density = self._density(places)
        clear = np.square(directions).sum(axis=1)
        off = clear[:, None] - np.square(directions @ self.ways.T)
        along = np.exp(-0.5 * off / np.square(np.sin(np.radians(OFF_COURSE_DEG))))
        anyhow = along.mean(axis=1)
        met = self._sum_by_artery(density * along) + ASTRAY * anyhow
        return np.asarray(met / (self._sum_by_artery(density) + ASTRAY))

    def _density(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        branched = np.where(self.courses.owner == ARTERIES.index("LM"), 0.0, BRANCHED)
        near = _densities(places, self.points, self.spread)
        beside = _densities(places, self.points, np.hypot(self.spread, BRANCH_MM))
        return np.asarray(((1 - branched) * near + branched * beside) * self.courses.share)

    def _sum_by_artery(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([values[:, self.courses.owner == k].sum(axis=1) for k in range(len(ARTERIES))])


def fit_atlas(
    courses: Courses,
    sightings: Mapping[str, Sighting],
    places: NDArray[np.float64],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> Atlas:
    """Lay the courses into a patient by landmarks and lesions.

    `places` (n, 3) are pieces of calcium in patient coordinates, mm; `shares` (4, n) the nets' probabilities of the
    arteries there; `weights` (n,) how much each counts. `sightings` hold at least the ostium of the left main.
    """
    origin = sightings[ORIGIN].place_mm
    places = places - origin
    weights = weights * min(1.0, MOST_LESIONS / max(float(weights.sum()), 1e-9))
    spread = np.sqrt(np.maximum(courses.spread**2 - ARTERY_MM**2, LEAST_MM**2))
    design = _build_design(courses.points, courses.owner)
    matrix, vector = known, pull = _sum_landmarks(sightings, origin)
    for _ in range(ROUNDS):
        moved = courses.points + design @ np.linalg.solve(matrix, vector)
        belongs = _densities(places, moved, spread) * courses.share * shares[courses.owner].T
        belongs *= (weights / (belongs.sum(axis=1) + ASTRAY))[:, None]
        lesions = _sum_lesions(belongs, places, courses.points, spread, design)
        matrix, vector = known + lesions[0], pull + lesions[1]
    unsure = np.einsum("mak,kl,mal->ma", design, np.linalg.inv(matrix), design)
    move = np.linalg.solve(matrix, vector)
    ways = courses.ways + np.cross(move[3:6], courses.ways)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return Atlas(origin + courses.points + design @ move, np.sqrt(spread**2 + unsure), ways, courses)


def _build_design(points: NDArray[np.float64], owner: NDArray[np.intp] | None) -> NDArray[np.float64]:
    """What each unknown does to points (n, 3): (n, 3, 15), three shifts, three turns, three shifts an artery."""
    x, y, z = points.T
    zero = np.zeros(len(points))
    design = np.zeros((len(points), 3, 6 + 3 * len(_ARTERIES_MOVED)))
    design[:, :, :3] = np.eye(3)
    # a small turn w moves a point p by w x p
    design[:, 0, 3:6] = np.stack((zero, z, -y), axis=1)
    design[:, 1, 3:6] = np.stack((-z, zero, x), axis=1)
    design[:, 2, 3:6] = np.stack((y, -x, zero), axis=1)
    if owner is not None:
        for place, artery in enumerate(_ARTERIES_MOVED):
            mine = owner == artery
            free = np.minimum(1.0, np.linalg.norm(points[mine] - ORIGINS[artery], axis=1) / HELD_MM)
            design[mine, :, 6 + 3 * place : 9 + 3 * place] = free[:, None, None] * np.eye(3)
    return design


def _sum_landmarks(
    sightings: Mapping[str, Sighting], origin: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The normal equations of what is known before any lesion: how far people differ, and the landmarks."""
    scale = np.r_[np.full(3, ANYWHERE_MM), np.radians(TURN_DEG), np.full(3 * len(_ARTERIES_MOVED), ARTERY_MM)]
    matrix, vector = np.diag(scale**-2.0), np.zeros(len(scale))
    for name, (mean, spread) in LANDMARKS.items():
        if name not in sightings:
            continue
        seen = sightings[name]
        design = _build_design(np.array([mean], dtype=np.float64), None)[0]
        precision = 1.0 / (np.square(spread) + max(seen.spread_mm, LEAST_MM / 2) ** 2)
        matrix += design.T @ (precision[:, None] * design)
        vector += design.T @ (precision * (seen.place_mm - origin - np.asarray(mean)))
    return matrix, vector


def _sum_lesions(
    belongs: NDArray[np.float64],
    places: NDArray[np.float64],
    points: NDArray[np.float64],
    spread: NDArray[np.float64],
    design: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The normal equations of pieces that belong (n, m) to points of the courses."""
    precision = spread**-2.0
    total = belongs.sum(axis=0)
    pull = belongs.T @ places - total[:, None] * points
    matrix = np.einsum("m,mak,ma,mal->kl", total, design, precision, design)
    return np.asarray(matrix), np.asarray(np.einsum("mak,ma,ma->k", design, precision, pull))


def _densities(
    places: NDArray[np.float64], points: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Normal densities per mm3 of places (n, 3) round points (m, 3): (n, m)."""
    apart = (places[:, None] - points) / spread
    return np.asarray(np.exp(-0.5 * np.square(apart).sum(axis=2)) / ((2 * np.pi) ** 1.5 * spread.prod(axis=1)))
