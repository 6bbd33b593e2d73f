"""What is bright near the heart and is no coronary calcium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcium import Deposit
from scoring.phantom.chest import cavity_distance
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.grid import Coordinates
from scoring.phantom.heart import AXIS, sac_distance
from scoring.phantom.lungs import bronchi
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.spec import DistractorKind
from scoring.phantom.thorax import Thorax

Points = NDArray[np.float64]
METAL: Final = frozenset[DistractorKind]({"surgical clip", "pacemaker lead"})
_LONG_MM: Final = 12.0
_CLEAR_MM: Final = 6.0
_TRIES: Final = 60
_LUNG_HU: Final = 868.0


@dataclass(frozen=True, slots=True)
class Distractor:
    """One bright thing of a kind: it must not be counted."""

    kind: DistractorKind
    deposit: Deposit

    @property
    def is_metal(self) -> bool:
        """Whether it throws streaks, and its attenuation does not follow the tube voltage as calcium's."""
        return self.kind in METAL

    @property
    def is_long(self) -> bool:
        """Whether its box is large."""
        return bool(np.ptp(self.deposit.line, axis=0).max() > _LONG_MM)


def built(
    thorax: Thorax, tree: CoronaryTree, kinds: tuple[DistractorKind, ...], contrast: float
) -> tuple[Distractor, ...]:
    """The distractors of a thorax; each kind is drawn on its own, so that none changes another.

    Every one keeps `_CLEAR_MM` from the coronary arteries: a kind that finds no such place is left out.
    `contrast` is the attenuation of calcium relative to that at 120 kVp.
    """
    arteries = np.concatenate([curve.points for curve in tree.arteries.values()])
    made = []
    for kind in kinds:
        rng = stream(thorax.seed, f"distractor {kind}")
        few, many, draw = _KINDS[kind]
        for _ in range(int(rng.integers(few, many + 1))):
            for _ in range(_TRIES):
                deposit = draw(thorax, rng)
                apart = np.linalg.norm(deposit.line[:, None] - arteries[None, ::2], axis=2).min()
                if apart > deposit.radius + _CLEAR_MM:
                    hu = deposit.hu if kind in METAL else deposit.hu * contrast
                    made.append(Distractor(kind, Deposit(deposit.line, deposit.radius, hu)))
                    break
    return tuple(made)


def _default(aorta: str, z: float, angle: float, sweep: float, radius: float, hu: float) -> _Draw:
    def draw(thorax: Thorax, rng: np.random.Generator) -> Deposit:
        del rng
        return _in_wall(thorax.ascending if aorta == "ascending" else thorax.descending, z, angle, sweep, radius, hu)

    return draw


def _in_wall(aorta: Curve, z: float, angle: float, sweep: float, radius: float, hu: float) -> Deposit:
    """An arc in the wall of an aorta at a height; angles in degrees, 0 to the left and 90 to the back."""
    order = np.argsort(aorta.points[:, 2])
    x, y = aorta.at_height(z)
    r = float(np.interp(z, aorta.points[order, 2], aorta.radii[order])) - 0.6
    turn = np.deg2rad(np.linspace(angle - sweep / 2, angle + sweep / 2, 24))
    line = np.stack([x + r * np.cos(turn), y + r * np.sin(turn), z + np.linspace(-1, 1, 24)], axis=1)
    return Deposit(line, radius, hu)


def _density(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(250), np.log(1400))))


def _aortic_plaque(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    aorta, low, high = (thorax.ascending, 12.0, 55.0) if rng.random() < 0.35 else (thorax.descending, -110.0, 55.0)
    sweep, thick = rng.uniform(8, 80), rng.uniform(0.7, 1.8)
    return _in_wall(aorta, rng.uniform(low, high), rng.uniform(0, 360), sweep, thick, _density(rng))


def _aortic_root(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    sweep, thick = rng.uniform(8, 50), rng.uniform(0.6, 1.4)
    return _in_wall(thorax.ascending, rng.uniform(-9, 11), rng.uniform(0, 360), sweep, thick, _density(rng))


def _aortic_valve(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """On one of the three cusps, from the wall towards the middle."""
    angle = np.deg2rad(rng.integers(3) * 120 + rng.uniform(-35, 35))
    out = np.array([np.cos(angle), np.sin(angle), 0.0])
    r = 0.9 * thorax.ascending_radius
    ends = thorax.valve + np.outer(rng.uniform((0.1, 0.4), (0.4, 0.85)) * r, out) + np.array([0, 0, rng.uniform(-2, 4)])
    return Deposit(_straight(*ends), rng.uniform(0.8, 2.2), _density(rng))


def _mitral_annulus(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """An arc at the hinge of the posterior leaflet."""
    aside = np.cross([0.0, 0.0, 1.0], AXIS)
    aside /= np.linalg.norm(aside)
    up = np.cross(AXIS, aside)
    middle, sweep = rng.uniform(-60, 60), rng.uniform(15, 110)
    turn = np.deg2rad(np.linspace(middle - sweep / 2, middle + sweep / 2, 30))
    centre = np.array([47.0, -5.0, -48.0]) - 31 * AXIS
    ring = centre + rng.uniform(16, 19) * (np.cos(turn)[:, None] * aside - np.sin(turn)[:, None] * up)
    return Deposit(np.array([thorax.heart_point(p) for p in ring]), rng.uniform(0.9, 2.6), _density(rng))


def _pericardium(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """A narrow sheet on the sac, away from its upper end."""
    way = rng.normal((0.6, -0.5, -0.5), (0.6, 0.5, 0.4))
    way /= np.linalg.norm(way)
    along = np.cross(way, rng.normal(0, 1, 3))
    along /= np.linalg.norm(along)
    row = np.cross(way, along)
    half = rng.uniform(0.06, 0.28)
    ways = [
        way + np.sign(0.5 - k % 2) * t * along + 0.022 * k * row for k in range(3) for t in np.linspace(-half, half, 16)
    ]
    return Deposit(_on_sac(thorax, np.array(ways), 1.2), rng.uniform(0.7, 1.4), _density(rng))


def _on_sac(thorax: Thorax, ways: Points, outside: float) -> Points:
    """Where rays (n, 3) from the heart's middle leave the sac, `outside` mm over its surface."""
    middle = thorax.heart_point((25, -12, -42))
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    far = np.arange(10, 120, 0.5)
    points = middle + ways[:, None] * far[None, :, None]
    over = sac_distance(thorax, Coordinates.of_points(points.reshape(-1, 3))).reshape(len(ways), -1) > outside
    return np.asarray(points[np.arange(len(ways)), np.argmax(over, axis=1)], dtype=np.float64)


def _node(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Beside the aorta or under the carina."""
    kind = rng.integers(3)
    if kind == 0:
        centre = np.array([6.0, 28.0, thorax.carina_z - rng.uniform(14, 26)])
    else:
        aorta = thorax.ascending if kind == 1 else thorax.descending
        z, angle = rng.uniform(16, 55), np.deg2rad(rng.uniform(170, 260) if kind == 1 else rng.uniform(-130, -50))
        r = (thorax.ascending_radius if kind == 1 else thorax.descending_radius) + rng.uniform(3.5, 7)
        x, y = aorta.at_height(z)
        centre = np.array([x + r * np.cos(angle), y + r * np.sin(angle), z])
    return _lump(centre, rng)


def _hilar_node(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    del thorax
    side = rng.choice((-1.0, 1.0))
    centre = np.array([side * rng.uniform(38, 54) + 6, rng.uniform(12, 36), rng.uniform(-8, 26)])
    return _lump(centre, rng)


def _lump(centre: Points, rng: np.random.Generator) -> Deposit:
    half = rng.normal(0, 1, 3)
    half *= rng.uniform(0.1, 3.0) / np.linalg.norm(half)
    return Deposit(_straight(centre - half, centre + half), rng.uniform(0.9, 3.0), _density(rng))


def _granuloma(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """In the lung, free of heart and chest wall."""
    for _ in range(_TRIES):
        centre = np.array([rng.choice((-1.0, 1.0)) * rng.uniform(50, 110), rng.uniform(-35, 50), rng.uniform(-35, 45)])
        at = Coordinates.of_points(centre[None])
        if sac_distance(thorax, at)[0] > 6 and cavity_distance(thorax, at)[0] < -6:
            break
    return Deposit(centre[None], rng.uniform(1.2, 4.5), _LUNG_HU + _density(rng))


def _bronchial_wall(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    tube = bronchi(thorax)[int(rng.integers(1, 5))]
    k = int(rng.uniform(0.2, 0.8) * (len(tube.points) - 1))
    way = tube.points[k + 1] - tube.points[k]
    way /= np.linalg.norm(way)
    first = np.cross(way, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(way, first)
    start, sweep = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(50, 260))
    turn = np.linspace(start, start + sweep, 24)
    ring = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    return Deposit(tube.points[k] + (tube.radii[k] + 0.7) * ring, rng.uniform(0.5, 0.8), rng.uniform(450, 1000))


def _clip(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """In front of the heart, as along a graft."""
    way = rng.normal((0.1, -1.0, 0.5), (0.6, 0.2, 0.4))
    centre = _on_sac(thorax, way[None], rng.uniform(2, 6))[0]
    half = rng.normal(0, 1, 3)
    half *= rng.uniform(1.5, 3.0) / np.linalg.norm(half)
    return Deposit(_straight(centre - half, centre + half), rng.uniform(0.5, 0.8), rng.uniform(6000, 12000))


def _lead(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """From the upper vena cava through the right atrium to the right ventricle's apex."""
    inside = [(-27, -4, -14), (-18, -14, -38), (6, -32, -58), (30, -45, -66), (52, -50, -70)]
    knots = [(-32.0, -4.0, 88.0), (-35.0, -2.0, 45.0), (-33.0, -3.0, 15.0)]
    heart = [thorax.heart_point(np.array(p) + rng.normal(0, 1.5, 3)) for p in inside]
    return Deposit(Curve.through(np.array([*knots, *heart]), 1.0, step=0.6).points, 0.9, rng.uniform(5000, 9000))


def _straight(start: Points, end: Points) -> Points:
    return np.linspace(start, end, max(2, int(np.ceil(np.linalg.norm(end - start) / 0.3)) + 1))


_Draw = Callable[[Thorax, np.random.Generator], Deposit]
_KINDS: Final[dict[DistractorKind, tuple[int, int, _Draw]]] = {
    "ascending aorta wall": (1, 1, _default("ascending", 24.0, 200.0, 34.0, 1.1, 620.0)),
    "descending aorta wall": (1, 1, _default("descending", -34.0, 20.0, 50.0, 1.2, 700.0)),
    "descending aorta wall, low": (1, 1, _default("descending", -72.0, 120.0, 30.0, 1.0, 560.0)),
    "aortic plaques": (1, 5, _aortic_plaque),
    "aortic root": (1, 3, _aortic_root),
    "aortic valve": (1, 4, _aortic_valve),
    "mitral annulus": (1, 2, _mitral_annulus),
    "pericardium": (1, 2, _pericardium),
    "lymph node": (1, 3, _node),
    "hilar lymph node": (1, 3, _hilar_node),
    "granuloma": (1, 3, _granuloma),
    "bronchial wall": (1, 4, _bronchial_wall),
    "surgical clip": (2, 5, _clip),
    "pacemaker lead": (1, 1, _lead),
}
"""Of each kind: the fewest and the most that a patient has, and how one is drawn."""
