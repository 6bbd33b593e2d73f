"""The aortic arch and its branches."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.shapes import Curve
from scoring.phantom.spine import follow_spine
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue

_RISE_MM: Final = 18.0
_STEP_MM: Final = 3.0
_REACH: Final = 12.0


def foot_z(thorax: Thorax) -> float:
    """Return the height at which the arch leaves the ascending aorta and meets the descending one."""
    return thorax.habitus.arch_z - _RISE_MM


def cut(thorax: Thorax, grid: Grid, aorta: Floats) -> Floats:
    """Return the distance to an aorta drawn without an upper end, cut where the arch begins."""
    return np.asarray(np.maximum(aorta, grid.coordinates().z - np.float32(foot_z(thorax))), dtype=np.float32)


def regions(thorax: Thorax, grid: Grid) -> list[Region]:
    """Return the arch and its branches, as far as they are inside the grid."""
    vessels = []
    whole = arch(thorax)
    box, tube = whole.near(grid, _REACH)
    if not is_empty(box):
        # The arch overlaps the vessels that it joins: two edges in one plane would leave a gap.
        above = np.maximum(tube, np.float32(foot_z(thorax) - 3) - grid.coordinates(box).z)
        vessels.append(Region(Tissue.AORTIC_ARCH, box, above))
    for branch in branches(thorax, whole):
        box, tube = branch.near(grid, _REACH)
        if not is_empty(box):
            vessels.append(Region(Tissue.ARTERY, box, tube))
    return vessels


def joint(thorax: Thorax, grid: Grid, vessels: list[Region]) -> Regions:
    """Yield the arch again where it meets the ascending and the descending aorta."""
    for region in vessels:
        if region.tissue == Tissue.AORTIC_ARCH:
            low = grid.coordinates(region.box).z - np.float32(foot_z(thorax) + 5)
            yield Region(region.tissue, region.box, np.maximum(region.distance, low))


def arch(thorax: Thorax) -> Curve:
    """Return the centreline: up from the ascending aorta, back and to the left, down to the descending aorta."""
    foot = foot_z(thorax)
    ends = [np.array([*aorta.at_height(foot), foot]) for aorta in (thorax.ascending, thorax.descending)]
    turn = np.linspace(0, np.pi, 13)[:, None]
    share = (1 - np.cos(turn)) / 2
    line = ends[0] + share * (ends[1] - ends[0])
    # The arch passes to the left of the trachea.
    line = line + np.sin(turn) * np.array([9.0, -5.0, _RISE_MM])
    below = np.array([0.0, 0.0, -8.0])
    first, last = thorax.ascending_radius * 0.98, thorax.descending_radius * 1.05
    radii = np.linspace(first, last, 15)
    return Curve.through(np.concatenate([[ends[0] + below], line, [ends[1] + below]]), radii, _STEP_MM)


def branches(thorax: Thorax, whole: Curve) -> tuple[Curve, ...]:
    """Return the brachiocephalic, right and left carotid, and right and left subclavian arteries."""
    body = thorax.habitus
    r, top = body.branch_radius, body.arch_z
    first, second, third = (_start(whole, share) for share in (0.36, 0.5, 0.63))
    fork = np.array([-17.0, 8.0, top + 32])
    joint = np.array(body.shoulder)
    rib = max(body.apex_z - 2, top + 22)
    courses: tuple[tuple[list[NDArray[np.float64]], float], ...] = (
        ([first, np.array([-8.0, 0.0, top + 18]), fork], 1.3),
        ([fork, np.array([-24.0, 16.0, 148.0]), np.array([-30.0, 14.0, 215.0])], 0.8),
        ([fork, np.array([-42.0, 14.0, rib + 4]), np.array([-80.0, 6.0, rib]), joint * (-0.8, 0.4, 1)], 0.9),
        ([second, np.array([19.0, 12.0, top + 26]), np.array([27.0, 17.0, 148.0]), np.array([31.0, 14.0, 215.0])], 0.8),
        (
            [
                third,
                np.array([27.0, 27.0, top + 20]),
                np.array([44.0, 19.0, rib + 4]),
                np.array([82.0, 7.0, rib]),
                joint * (0.8, 0.4, 1),
            ],
            1.0,
        ),
    )
    return tuple(Curve.through(follow_spine(body, knots), r * share, _STEP_MM) for knots, share in courses)


def _start(whole: Curve, share: float) -> NDArray[np.float64]:
    return np.asarray(whole.points[round(share * (len(whole.points) - 1))])
