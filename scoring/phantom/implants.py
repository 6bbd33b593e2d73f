"""Metallic implants: clips, leads, stents, wires and valves."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcified import on_sac
from scoring.phantom.calcium import Deposit, straight
from scoring.phantom.chest import cavity_distance
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.grid import Coordinates
from scoring.phantom.heart import AXIS, MITRAL
from scoring.phantom.shapes import Curve
from scoring.phantom.spine import bend_at
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

Points = NDArray[np.float64]
_HEART_MOVES: Final = 0.5
_STERNUM_DEEP_MM: Final = 6.0
_STENTED: Final[dict[Artery, tuple[float, float, float]]] = {
    "LAD": (0.45, 0.04, 0.5),
    "RCA": (0.33, 0.04, 0.6),
    "LCX": (0.22, 0.06, 0.5),
}
"""Share of the stents, and the part of the artery in which they lie."""

_OUTFLOW: Final = (
    ((22, -42, -38), 24),
    ((24, -42, -28), 23),
    ((24, -42, -18), 21),
    ((25, -41, -8), 20),
    ((25, -39, 0), 19),
    ((25, -30, 12), 17.5),
    ((25, -22, 19), 17),
)
"""Spheres (mm of the average heart) that enclose the right outflow: anything sewn on the heart lies in front of it."""


def clip(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a clip in front of the heart, as along a graft."""
    way = rng.normal((0.1, -1.0, 0.5), (0.6, 0.2, 0.4))
    centre = _move_forward(thorax, on_sac(thorax, way[None], rng.uniform(2, 6)))[0]
    half = rng.normal(0, 1, 3)
    half *= rng.uniform(1.5, 3.0) / np.linalg.norm(half)
    return Deposit(straight(centre - half, centre + half), rng.uniform(0.5, 0.8), rng.uniform(6000, 12000))


def lead(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw a lead from the superior vena cava through the right atrium to the apex of the right ventricle."""
    inside = [(-27, -4, -14), (-18, -14, -38), (6, -32, -58), (30, -45, -66), (52, -50, -70)]
    knots = [(-32.0, -4.0, 88.0), (-35.0, -2.0, 45.0), (-33.0, -3.0, 15.0)]
    heart = [thorax.heart_point(np.array(p) + rng.normal(0, 1.5, 3)) for p in inside]
    line = Curve.through(np.array([*knots, *heart]), 1.0, step=0.6).points
    return Deposit(line, 0.9, rng.uniform(5000, 9000), _HEART_MOVES)


def stent(tree: CoronaryTree, rng: np.random.Generator) -> Deposit:
    """Draw a tube of zigzag wire rings around part of a coronary artery, 2.5 to 3.5 mm wide and 8 to 28 mm long."""
    names = tuple(_STENTED)
    artery = names[int(rng.choice(len(names), p=[_STENTED[a][0] for a in names]))]
    curve = Curve.through(tree.arteries[artery].points[::3], 1.0, step=0.2).points
    s = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))]
    length, radius = rng.uniform(8, 28), rng.uniform(1.25, 1.75)
    start = rng.uniform(*_STENTED[artery][1:]) * s[-1]
    ring, waves = 2.0, 6
    # Ring after ring, the wire goes around once while it zigzags up and down.
    count = max(3, round(length / ring))
    turn = np.linspace(0, 2 * np.pi * count, int(count * 2 * np.pi * radius / 0.12))
    height = start + turn / (2 * np.pi) * ring + 0.45 * ring * np.sin(waves * turn)
    middle = np.stack([np.interp(height, s, curve[:, k]) for k in range(3)], axis=1)
    way = np.stack([np.interp(height, s, np.gradient(curve[:, k], s)) for k in range(3)], axis=1)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    first = np.cross(way, [0.31, 0.87, 0.38])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    wall = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * np.cross(way, first)
    return Deposit(middle + radius * wall, 0.16, float(np.exp(rng.uniform(np.log(9000), np.log(22000)))), 0.8)


def bypass_graft(thorax: Thorax, rng: np.random.Generator) -> list[Deposit]:
    """Draw clips along a vein graft from the ascending aorta over the front of the heart, with a ring at its origin.

    Every other patient instead has a graft from behind the sternum, which has no ring.
    """
    target = rng.normal((0.75, -0.75, 0.05), (0.15, 0.1, 0.15))
    from_aorta = rng.random() < 0.5
    parts = []
    if from_aorta:
        z = rng.uniform(24, 36)
        angle = np.deg2rad(rng.uniform(-110, -60))
        out = np.array([np.cos(angle), np.sin(angle), 0.0])
        start = np.array([*thorax.ascending.at_height(z), z]) + (thorax.ascending_radius + 0.8) * out
        parts.append(_ring(start, out, rng.uniform(2.4, 3.2), 0.45, rng.uniform(4000, 7000)))
        first = [start + 2 * out, start + 7 * out + np.array([6.0, 0.0, 1.0])]
    else:
        first = [_front_wall_point(thorax, 22.0, z, -4.0) for z in (75.0, 45.0, 18.0)]
    ways = np.linspace(np.array([0.25, -0.75, 0.75]), target, 4)
    course = Curve.through(np.array([*first, *on_sac(thorax, ways, 2.5)]), 1.0, step=0.5).points
    course = _move_forward(thorax, course)
    at = 6.0
    while at * 2 < len(course) - 2:
        k = int(at * 2)
        aside = rng.normal(0, 1, 3)
        centre = course[k] + aside * rng.uniform(1.5, 3.0) / np.linalg.norm(aside)
        half = rng.normal(0, 1, 3)
        half *= rng.uniform(1.2, 2.0) / np.linalg.norm(half)
        parts.append(
            Deposit(straight(centre - half, centre + half), rng.uniform(0.4, 0.6), rng.uniform(6000, 12000), 0.3)
        )
        at += rng.uniform(5, 14)
    return parts


def sternal_wires(thorax: Thorax, rng: np.random.Generator) -> list[Deposit]:
    """Draw loops of wire around the sternum, each with its twisted ends in front."""
    body = thorax.habitus
    wires: list[Deposit] = []
    z = body.sternum_top - rng.uniform(12, 20)
    while z > body.sternum_low + 18 and len(wires) < 8:
        tilt = rng.uniform(-0.12, 0.12)
        middle = _front_wall_point(thorax, rng.uniform(-1.5, 1.5), z, _STERNUM_DEEP_MM)
        turn = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 150)
        wide, deep = body.sternum_width * rng.uniform(14, 18) + 1.5, rng.uniform(6.5, 8.0)
        x, y = wide * np.cos(turn), deep * np.sin(turn)
        loop = middle + np.stack([x, y, tilt * x + rng.normal(0, 1.0) * np.cos(turn)], axis=1)
        knot = straight(loop[-1], loop[-1] + np.array([rng.uniform(-3, 3), -2.0, rng.uniform(-6, -3)]))
        wires.append(Deposit(np.concatenate([loop, knot[1:]]), rng.uniform(0.35, 0.5), rng.uniform(7000, 11000)))
        z -= rng.uniform(17, 26)
    return wires


def mechanical_valve(thorax: Thorax, rng: np.random.Generator) -> list[Deposit]:
    """Draw a ring at the aortic or mitral valve with two half-open leaflets across it."""
    if rng.random() < 0.6:
        axis = thorax.lean.axis
        centre, radius = thorax.valve + 1.5 * thorax.lean.axis, 0.66 * thorax.ascending_radius
    else:
        axis = thorax.heart_frame @ AXIS
        centre, radius = thorax.heart_point(MITRAL), rng.uniform(13.0, 15.0)
    axis /= np.linalg.norm(axis)
    ring = _ring(centre, axis, radius, rng.uniform(0.9, 1.3), rng.uniform(2500, 4500), _HEART_MOVES)
    first, second = _perpendiculars(axis, rng.uniform(0, np.pi))
    open_to = np.deg2rad(rng.uniform(15, 80))
    leaf_hu, parts = rng.uniform(1500, 2500), [ring]
    for side in (-1, 1):
        # A leaflet is half a disc: rods across the ring, each a little further out along it.
        out = side * np.cos(open_to) * second + np.sin(open_to) * axis
        rods = [
            centre + side * 0.8 * second + t * out + w * np.sqrt(max(1 - (t / radius) ** 2, 0)) * (radius - 1.5) * first
            for t in np.linspace(0.5, 0.85 * radius, 14)
            for w in np.linspace(-1, 1, 40)
        ]
        parts.append(Deposit(np.array(rods), 0.4, leaf_hu, _HEART_MOVES))
    return parts


def _move_forward(thorax: Thorax, points: Points) -> Points:
    """Move points (n, 3) forward out of the right ventricular outflow tract and the pulmonary trunk."""
    moved = points.copy()
    for middle, size in _OUTFLOW:
        centre, radius = thorax.heart_point(middle), size * max(thorax.vessel_scale, 1.0)
        aside = moved[:, [0, 2]] - centre[[0, 2]]
        room = np.sqrt(np.maximum(radius**2 - (aside**2).sum(1), 0))
        inside = (room > 0) & (np.abs(moved[:, 1] - centre[1]) < room)
        moved[inside, 1] = centre[1] - room[inside]
    return moved


def _front_wall_point(thorax: Thorax, x: float, z: float, outward: float) -> Points:
    """Return the anterior point `x` mm left of the sternal midline, `outward` mm outside the inner chest wall."""
    x += 0.5 * float(bend_at(thorax.habitus, np.array([z], dtype=np.float32))[0][0])
    y = np.arange(-160.0, 20.0, 0.25)
    far = cavity_distance(thorax, Coordinates.of_points(np.stack([np.full_like(y, x), y, np.full_like(y, z)], axis=1)))
    return np.array([x, y[np.argmax(far < outward)], z])


def _ring(centre: Points, axis: Points, radius: float, thick: float, hu: float, moving: float = 0.0) -> Deposit:
    first, second = _perpendiculars(axis, 0.0)
    turn = np.linspace(0, 2 * np.pi, int(2 * np.pi * radius / 0.25))
    return Deposit(
        centre + radius * (np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second), thick, hu, moving
    )


def _perpendiculars(axis: Points, turn: float) -> tuple[Points, Points]:
    """Return two directions perpendicular to an axis and to each other."""
    first = np.cross(axis, [0.36, 0.48, 0.8])
    first /= np.linalg.norm(first)
    second = np.cross(axis / np.linalg.norm(axis), first)
    return np.cos(turn) * first + np.sin(turn) * second, np.cos(turn) * second - np.sin(turn) * first
