"""Calcium inside the left heart: the mitral annulus and the papillary muscles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcium import Deposit, draw_density, straight
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.heart import AXIS, CHAMBERS, FRAME, MITRAL, Chamber
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue

Points = NDArray[np.float64]
_HEART_MOVES: Final = 0.6
_RADIUS_MM: Final = (16.0, 20.0)
_BESIDE_CIRCUMFLEX: Final = 0.4
_GAP_MM: Final = (2.5, 6.5)
_NEARBY_MM: Final = 12.0
_STEP_MM: Final = 0.5


@dataclass(frozen=True, slots=True)
class Annulus:
    """The ring of the mitral valve in the thorax frame: centre, axis towards the apex, radius in mm.

    Angles about it begin at the middle of the posterior leaflet's hinge.
    """

    centre: Points
    axis: Points
    radius: float

    @classmethod
    def of(cls, thorax: Thorax, radius: float) -> Self:
        """Return the annulus of a thorax."""
        return cls(thorax.heart_point(MITRAL), thorax.heart_frame @ AXIS, radius * thorax.heart_scale)

    def line(self, first: float, last: float, outward: float = 0.0, deeper: float = 0.0) -> Points:
        """Return the arc between two angles (rad), `outward` mm outside the ring and `deeper` towards the apex."""
        aside = np.cross([0.0, 0.0, 1.0], self.axis)
        aside /= np.linalg.norm(aside)
        down = -np.cross(self.axis, aside)
        radius = self.radius + outward
        turn = np.linspace(first, last, max(2, int(radius * (last - first) / _STEP_MM)))[:, None]
        return np.asarray(self.centre + deeper * self.axis + radius * (np.cos(turn) * aside + np.sin(turn) * down))


def mitral_annulus(thorax: Thorax, tree: CoronaryTree, rng: np.random.Generator, severity: float) -> list[Deposit]:
    """Draw calcium along the hinge of the posterior leaflet: a speck, an arc, or a sheet of up to 4 mL.

    In two of five patients it comes within 6.5 mm of the circumflex artery.
    """
    ring = Annulus.of(thorax, rng.uniform(*_RADIUS_MM))
    middle = np.deg2rad(rng.uniform(-70, 70) * (1 - 0.6 * severity))
    sweep = np.deg2rad(8 + 190 * severity**1.5 * rng.uniform(0.6, 1.1))
    rows = 1 + round(rng.uniform(0, 5) * severity**1.5)
    thick = rng.uniform(0.7, 1.5 + 1.3 * severity)
    near, gap = rng.random() < _BESIDE_CIRCUMFLEX, rng.uniform(*_GAP_MM)
    circumflex = tree.arteries["LCX"].points
    parts, hu = [], draw_density(rng)
    for row in range(rows):
        # Further rows form a sheet that reaches into the muscle below the hinge, each shorter than the last.
        half = sweep / 2 * (1 - 0.12 * row) * rng.uniform(0.85, 1.0)
        line = ring.line(middle - half, middle + half, rng.normal(0, 0.5) + 0.5 * row, 1.5 * thick * row)
        if near:
            line = _towards(line, circumflex, gap + thick)
        parts.append(Deposit(line, thick, hu * rng.uniform(0.7, 1.0), _HEART_MOVES))
    return parts


def papillary_muscle(thorax: Thorax, rng: np.random.Generator) -> Deposit:
    """Draw calcium at the tip of a papillary muscle of the left ventricle."""
    ventricle = _ventricle()
    _, length, depth = ventricle.semi
    side = rng.choice((-1.0, 1.0))
    off = rng.uniform(-6, 10) * FRAME[0] + side * 0.38 * length * FRAME[1] - 0.3 * depth * FRAME[2]
    off += rng.normal(0, 2, 3)
    half = rng.uniform(0.3, 3.0) * FRAME[0] + rng.normal(0, 0.4, 3)
    ends = [thorax.heart_point(np.array(ventricle.centre) + off + s * half) for s in (-1.0, 1.0)]
    return Deposit(straight(*ends), rng.uniform(0.6, 2.0), draw_density(rng), _HEART_MOVES)


def _ventricle() -> Chamber:
    return next(chamber for chamber in CHAMBERS if chamber.blood is Tissue.LEFT_VENTRICLE)


def _towards(line: Points, vessel: Points, gap: float) -> Points:
    """Move the part of a line that comes nearest to a vessel until it is `gap` mm away, the rest less and less."""
    apart = np.linalg.norm(line[:, None] - vessel[None], axis=2)
    nearest = vessel[apart.argmin(axis=1)]
    away = apart.min(axis=1)
    least = float(away.min())
    share = np.exp(-(((away - least) / _NEARBY_MM) ** 2))[:, None] * (least - gap) / least
    return np.asarray(line + share * (nearest - line))
