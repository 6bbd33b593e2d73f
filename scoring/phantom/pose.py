"""Pose of the body on the table: rotated about its long axis and shifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Pose:
    """Transform from the thorax frame to the scanner frame: a turn about z (radians), then a shift in x, y (mm)."""

    turn: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def is_straight(self) -> bool:
        """Whether both frames coincide."""
        return self.turn == 0 and self.shift == (0, 0)

    def to_scanner(self, points: ArrayLike) -> NDArray[np.float64]:
        """Transform points (..., 3) from the thorax frame to the scanner frame."""
        p = np.asarray(points, dtype=np.float64)
        if self.is_straight:
            return p
        c, s = np.cos(self.turn), np.sin(self.turn)
        x, y = c * p[..., 0] - s * p[..., 1] + self.shift[0], s * p[..., 0] + c * p[..., 1] + self.shift[1]
        return np.stack([x, y, p[..., 2]], axis=-1)

    def to_body(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Transform scanner coordinates x, y (broadcast together) to the thorax frame."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        dx, dy = x - self.shift[0], y - self.shift[1]
        return c * dx + s * dy, c * dy - s * dx


STRAIGHT = Pose()
"""Supine and centred."""
