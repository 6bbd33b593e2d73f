"""How the body lies on the table: turned about its long axis and shifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Pose:
    """From the thorax frame to the scanner's: a turn about z (radians), then a shift across (mm)."""

    turn: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def is_straight(self) -> bool:
        """Whether both frames are one."""
        return self.turn == 0 and self.shift == (0, 0)

    def to_scanner(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (..., 3) of the thorax frame in the scanner's."""
        p = np.asarray(points, dtype=np.float64)
        if self.is_straight:
            return p
        c, s = np.cos(self.turn), np.sin(self.turn)
        x, y = c * p[..., 0] - s * p[..., 1] + self.shift[0], s * p[..., 0] + c * p[..., 1] + self.shift[1]
        return np.stack([x, y, p[..., 2]], axis=-1)

    def to_body(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scanner coordinates across the body (broadcast together) in the thorax frame."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        dx, dy = x - self.shift[0], y - self.shift[1]
        return c * dx + s * dy, c * dy - s * dx


STRAIGHT = Pose()
"""On the back, in the middle."""
