"""The table under the patient, and blankets over the skin."""

from __future__ import annotations

import numpy as np

from scoring.phantom.grid import Floats, Grid
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def regions(thorax: Thorax, grid: Grid, skin: Floats) -> Regions:
    """Yield the table (a shell with low-density foam, or cushions) and blanket; the body is painted over them."""
    body = thorax.habitus
    if body.blanket:
        at = grid.coordinates()
        x, z = at.x.astype(np.float32), at.z
        # The cloth lies in folds on the front of the body.
        away = np.float32(body.blanket) * (1 + np.float32(0.5) * np.sin(x / 23 + z / 41))
        sheet = np.abs(skin - away) - np.float32(1.0)
        yield Region(Tissue.CLOTH, grid.whole, np.maximum(sheet, at.y - 20 + 0.2 * np.abs(x)))
    if body.table == "none":
        return
    shell, foam = _outline(thorax, grid)
    yield Region(Tissue.FOAM, grid.whole, foam)
    if body.table == "cushions":
        # A thin cover separates two cushions.
        yield Region(Tissue.CLOTH, grid.whole, shell)
    else:
        yield Region(Tissue.TABLE, grid.whole, shell)


def _outline(thorax: Thorax, grid: Grid) -> tuple[Floats, Floats]:
    """Return the distances to the shell and to the foam inside it."""
    at, body = grid.coordinates(), thorax.habitus
    x, y = at.x, at.y
    if not thorax.pose.is_straight:
        # The table stays level when the patient lies rotated on it.
        c, s = np.float32(np.cos(thorax.pose.turn)), np.float32(np.sin(thorax.pose.turn))
        x, y = c * at.x - s * at.y, s * at.x + c * at.y
    under = thorax.muscle + 0.8 * body.back_muscle + thorax.fat * (1 + body.back_fat) - 6
    top = thorax.back + max(34.0, under) + body.table_gap
    half = body.table_half_width
    sides = np.abs(x) - np.float32(half)
    if body.table == "curved":
        level = y - np.float32(top) + (x / 19) ** 2 * np.float32(0.35)
        slab = np.maximum(np.abs(level - 12) - 11, sides)
        return np.abs(slab) - np.float32(0.9), slab
    if body.table == "flat":
        slab = np.maximum(np.abs(y - np.float32(top + 16)) - 15, sides)
        return np.abs(slab) - np.float32(1.4), slab
    # Cushions are compressed under the body and rise beside it.
    hollow = np.float32(top + 6) - np.minimum((np.abs(x) / np.float32(0.62 * half)) ** 3, 1.6) * np.float32(34)
    thick = np.maximum(np.abs(y - np.float32(12) - hollow) - np.float32(24), sides) * np.float32(0.8)
    cover = np.minimum(np.abs(thick) - np.float32(0.8), np.abs(y - np.float32(top + 10)) - np.float32(0.6))
    return np.maximum(cover, thick - np.float32(0.8)), thick
