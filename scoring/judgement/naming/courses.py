"""Where the coronary arteries run in people: published means and spreads, from the origin of the left main.

Lengths in mm, axes left, posterior, head. Means: six CT angiograms (RCA: eight), and Dodge et al., Circulation
1988;78:1167 and 1992;86:232. Where the two agree their middle stands for both, and the spread holds their difference;
where they do not, as in the circumflex artery, which follows the groove or leaves it early, each is a strand of its
own. The ostium of the RCA: 290 CT angiograms of ImageCAS. The left main is 10.5 mm long (Medrano-Gracia et al.,
EuroIntervention 2016;12:845).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.result import ARTERIES, Artery

STEP_MM: Final = 3.0
LEFT_MAIN_MM, LEFT_MAIN_SPREAD_MM = 10.5, 5.3
LESIONS: Final[dict[Artery, float]] = {"LM": 0.06, "LAD": 0.52, "LCX": 0.11, "RCA": 0.31}
"""Shares of calcifications by artery: AJC 2021 (1,478 patients), PARADIGM, MESA, Schmermund et al., AJC 2000;86:127."""

Row = tuple[tuple[float, float, float], tuple[float, float, float]]

ORIGIN, DIVISION = "left_main_ostium", "left_main_bifurcation"
RIGHT_OSTIUM: Final = (-14.5, -29.4, -16.7)
ORIGINS: Final = ((0.0, 0.0, 0.0), (10.0, 0.0, 2.0), (10.0, 0.0, 2.0), RIGHT_OSTIUM)
"""Where LM, LAD, LCX and RCA begin."""
LANDMARKS: Final[dict[str, Row]] = {
    ORIGIN: ((0.0, 0.0, 0.0), (2.0, 2.0, 2.0)),
    DIVISION: ((10.0, 0.0, 2.0), (4.0, 2.0, 4.0)),
    "right_ostium": (RIGHT_OSTIUM, (6.3, 5.1, 5.6)),
    "aortic_valve": ((-6.0, -6.0, -22.0), (5.0, 5.0, 5.0)),
}
"""Mean place and spread between people of each landmark that the fit uses, by its name in the net."""

# Mean and spread of points along each strand; those of the RCA count from its own ostium.
_STRANDS: Final[tuple[tuple[Artery, float, tuple[Row, ...]], ...]] = (
    ("LM", 1.0, (((0, 0, 0), (3, 3, 3)), ((10, 0, 2), (4, 3, 4)))),
    (
        "LAD",
        1.0,
        (
            ((10, 0, 2), (4, 3, 4)),
            ((17, -6, 1), (4, 4, 4)),
            ((28, -14, -2), (5, 5, 7)),
            ((37, -32, -14), (6, 7, 9)),
            ((42, -47, -32), (7, 8, 10)),
            ((46, -58, -54), (8, 11, 10)),
        ),
    ),
    (
        "LCX",
        0.5,
        (
            ((10, 0, 2), (4, 3, 4)),
            ((15, 6, -3), (4, 3, 6)),
            ((26, 12, -7), (6, 6, 8)),
            ((30, 22, -15), (10, 6, 12)),
            ((36, 28, -14), (13, 8, 9)),
        ),
    ),
    (
        "LCX",
        0.5,
        (
            ((10, 0, 2), (4, 3, 4)),
            ((22, 11, -19), (7, 8, 7)),
            ((21, 21, -37), (13, 12, 8)),
            ((5, 19, -56), (13, 12, 10)),
        ),
    ),
    (
        "RCA",
        1.0,
        (
            ((0, 0, 0), (4, 4, 4)),
            ((-7, -5, -2), (4, 4, 4)),
            ((-16, -7, -8), (4, 5, 9)),
            ((-27, -8, -27), (8, 7, 12)),
            ((-25, 0, -46), (11, 10, 12)),
            ((-9, 16, -54), (13, 15, 10)),
            ((5, 26, -52), (15, 10, 10)),
        ),
    ),
    # Its end and posterolateral branches: 168 mm from the ostium on average, on in the groove as before.
    ("RCA", 1.0, (((5, 26, -52), (15, 10, 10)), ((39, 50, -48), (18, 14, 12)))),
    # The posterior descending branch: from the crux along the heart's axis (azimuth 44, elevation -19 degrees).
    ("RCA", 1.0, (((0, 25, -55), (13, 12, 10)), ((33, -9, -71), (15, 15, 12)))),
)


@dataclass(frozen=True, slots=True)
class Courses:
    """Points every 3 mm along the mean courses: `points` and `spread` (n, 3) mm, `owner` (n,) index of the artery.

    `ways` (n, 3) are the unit vectors along the course.
    `share` (n,) is the chance that a calcification lies at a point: those of an artery are spread evenly along it.
    """

    points: NDArray[np.float64]
    spread: NDArray[np.float64]
    ways: NDArray[np.float64]
    owner: NDArray[np.intp]
    share: NDArray[np.float64]


@lru_cache(maxsize=1)
def read_courses() -> Courses:
    """The mean courses of the four arteries, with their large branches."""
    parts = []
    for artery, weight, rows in _STRANDS:
        knots = np.array([mean for mean, _ in rows], dtype=np.float64)
        if artery == "RCA":
            knots += RIGHT_OSTIUM
        spreads = np.array([spread for _, spread in rows], dtype=np.float64)
        along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))]
        count = max(2, round(along[-1] / STEP_MM))
        at = (np.arange(count) + 0.5) * along[-1] / count
        points, spread = (np.stack([np.interp(at, along, v[:, k]) for k in range(3)], axis=1) for v in (knots, spreads))
        ways = np.gradient(points, axis=0)
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        whose, length = np.full(count, ARTERIES.index(artery)), np.full(count, weight * along[-1] / count)
        parts.append((points, spread, ways, whose, length))
    points, spread, ways, owner, share = (np.concatenate(column) for column in zip(*parts, strict=True))
    share *= np.array([LESIONS[name] for name in ARTERIES])[owner] / np.bincount(owner, share)[owner]
    return Courses(points, spread, ways, owner, share)
