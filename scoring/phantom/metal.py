"""Streak artefacts around metal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.calcium import Deposit, render_in_pieces
from scoring.phantom.grid import Floats
from scoring.phantom.scan import Scan

_STRONGEST_HU: Final = 180.0
_HALF_AT: Final = 8000.0
"""HU times mm2 of metal in a slice at which its streaks reach half their maximum strength."""

_FADE_MM: Final = 20.0
_REACH_MM: Final = 90.0
_RAYS: Final = (3, 5, 8, 13, 19)
_TURN_MM: Final = 0.11


def add_metal_streaks(image: Floats, metal: Iterable[Deposit], scan: Scan) -> None:
    """Add bright and dark streaks around each piece of metal to the slices (HU) that contain part of it.

    A dark band runs along a long piece; the finer streaks rotate with the table position as the tube does.
    """
    pixel = scan.spacing_mm[1] * scan.spacing_mm[2]
    for deposit in metal:
        moments = np.zeros((len(image), 6))
        for (planes, rows, columns), hu in render_in_pieces(deposit, scan):
            x, y = scan.x[columns][None, :], scan.y[rows][:, None]
            moments[planes] += np.stack(
                [(hu * part).sum((1, 2)) * pixel for part in (1.0, x, y, x * x, x * y, y * y)], axis=1
            )
        phase = float(np.arctan2(*deposit.centre[:2]))
        for k in np.flatnonzero(moments[:, 0] > 1):
            _add_rays(image[k], moments[k], phase + _TURN_MM * float(scan.z[k]), scan)


def _add_rays(plane: Floats, moments: NDArray[np.float64], phase: float, scan: Scan) -> None:
    weight = float(moments[0])
    cx, cy, xx, xy, yy = moments[1:] / weight
    xx, xy, yy = xx - cx * cx, xy - cx * cy, yy - cy * cy
    long = 0.5 * np.arctan2(2 * xy, xx - yy)
    rows = slice(*np.searchsorted(scan.y, (cy - _REACH_MM, cy + _REACH_MM)))
    columns = slice(*np.searchsorted(scan.x, (cx - _REACH_MM, cx + _REACH_MM)))
    x, y = (scan.x[columns] - cx)[None, :].astype(np.float32), (scan.y[rows] - cy)[:, None].astype(np.float32)
    away, angle = np.hypot(x, y), np.arctan2(y, x)
    # Golden-ratio phases keep the streaks of one piece from forming a star.
    fine = sum(np.cos(n * angle + phase * n * 0.618 + 2.4 * i) for i, n in enumerate(_RAYS)) / len(_RAYS)
    rays = 0.9 * fine - 0.5 * np.cos(2 * (angle - np.float32(long)))
    strength = _STRONGEST_HU * weight / (weight + _HALF_AT)
    plane[rows, columns] += np.float32(strength) * rays * np.exp(-away / _FADE_MM) * (1 - np.exp(-away / 3))
