"""The rays around metal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from scoring.phantom.calcium import Deposit, seen_in_pieces
from scoring.phantom.grid import Floats
from scoring.phantom.scan import Scan

_STRONGEST_HU: Final = 180.0
_HALF_AT: Final = 8000.0
"""HU times mm2 of metal in a slice at which its rays have half the strength that they can have."""


def streaks(image: Floats, metal: Iterable[Deposit], scan: Scan) -> None:
    """Add the bright and dark rays around each piece of metal to the slices (HU) that hold some of it."""
    pixel = scan.spacing_mm[1] * scan.spacing_mm[2]
    for deposit in metal:
        turn = float(np.arctan2(*deposit.centre[:2]))
        weight, place = np.zeros(len(image)), np.zeros((len(image), 2))
        for (planes, rows, columns), hu in seen_in_pieces(deposit, scan):
            weight[planes] += hu.sum(axis=(1, 2), dtype=np.float64) * pixel
            across, down = (hu * scan.x[columns]).sum((1, 2)), (hu * scan.y[rows, None]).sum((1, 2))
            place[planes] += np.stack([across, down], axis=1) * pixel
        for k in np.flatnonzero(weight > 1):
            cx, cy = place[k] / weight[k]
            x, y = (scan.x - cx)[None, :], (scan.y - cy)[:, None]
            away, angle = np.hypot(x, y), np.arctan2(y, x) - turn
            rays = 0.6 * np.cos(2 * angle) + 0.4 * np.cos(9 * angle)
            strength = _STRONGEST_HU * weight[k] / (weight[k] + _HALF_AT)
            image[k] += (strength * rays * np.exp(-away / 20) * (1 - np.exp(-away / 3))).astype(np.float32)
