"""What a deposit belongs to: an artery, the aortic root, the mitral annulus, or none of them."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcium import Deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractor_kinds import DistractorKind
from scoring.phantom.distractors import Distractor
from scoring.phantom.thorax import Thorax
from scoring.result import ARTERIES, Artery

Place = Artery | Literal["none", "root", "annulus"]
PLACES: Final[tuple[Place, ...]] = ("none", *ARTERIES, "root", "annulus")
"""An artery has its side branches with it; the root is the ascending aorta's wall with its sinuses and the valve."""

_PLACES: Final[dict[DistractorKind, Place]] = {
    "ascending aorta wall": "root",
    "aortic root": "root",
    "coronary origin": "root",
    "aortic root ring": "root",
    "aortic valve": "root",
    "mitral annulus": "annulus",
}


def place_of(distractor: Distractor, thorax: Thorax, tree: CoronaryTree) -> Place:
    """Return what a distractor belongs to.

    A stent belongs to the artery that it is in, a mechanical valve to the root or the annulus.
    """
    middle = distractor.deposit.line.mean(axis=0)
    if distractor.kind == "stent":
        return min(ARTERIES, key=lambda artery: _gap(tree.lines(artery), distractor.deposit))
    if distractor.kind == "mechanical valve":
        return "root" if np.linalg.norm(middle - thorax.valve) < thorax.ascending_radius else "annulus"
    if distractor.kind == "aortic plaques":
        aortas = [_gap(curve.points, distractor.deposit) for curve in (thorax.ascending, thorax.descending)]
        return "root" if aortas[0] < aortas[1] else "none"
    return _PLACES.get(distractor.kind, "none")


def _gap(line: NDArray[np.float64], deposit: Deposit) -> float:
    """Return the mean distance (mm) from a deposit to the nearest points of a line (n, 3)."""
    few = deposit.line[:: max(1, len(deposit.line) // 50)]
    return float(np.linalg.norm(few[:, None] - line[None], axis=2).min(axis=1).mean())
