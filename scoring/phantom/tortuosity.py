"""How the descending aorta departs from its usual course: nearer to the midline, or in bends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.phantom.shapes import stream

_CENTRAL, _CENTRAL_MM = 0.3, 10.0
_BENT, _BEND_MM = 0.25, (3.0, 9.0)
_LENGTH_MM: Final = (110.0, 190.0)


@dataclass(frozen=True, slots=True)
class Tortuosity:
    """Lengths in mm: `central` towards the midline and forward; bends of `bend` (x, y), one in `length`."""

    central: float = 0.0
    bend: tuple[float, float] = (0.0, 0.0)
    length: float = 150.0
    phase: float = 0.0

    @classmethod
    def draw(cls, seed: int, variation: float) -> Self:
        """Draw the aorta of a seed: slim and young people have it near the midline, old ones in bends."""
        rng = stream(seed, "descending aorta")
        kind, central, size = rng.random(), rng.uniform(0, _CENTRAL_MM), rng.uniform(*_BEND_MM)
        turn, phase, length = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi), rng.uniform(*_LENGTH_MM)
        if kind < _CENTRAL:
            return cls(central=variation * float(central))
        if kind < _CENTRAL + _BENT:
            bend = variation * size * np.array([np.cos(turn), 0.6 * np.sin(turn)])
            return cls(bend=(float(bend[0]), float(bend[1])), length=float(length), phase=float(phase))
        return cls()

    def shift(self, z: ArrayLike) -> NDArray[np.float64]:
        """Return the displacement (n, 3) at heights (n)."""
        wave = np.sin(2 * np.pi * np.asarray(z, dtype=np.float64) / self.length + self.phase)
        away = np.array([-self.central, -0.6 * self.central, 0.0])
        return np.asarray(away + np.outer(wave, [*self.bend, 0.0]), dtype=np.float64)


STRAIGHT_AORTA: Final = Tortuosity()
