"""The oesophagus from the neck to the stomach, and hiatal hernia."""

from __future__ import annotations

import numpy as np

from scoring.phantom import spine
from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.shapes import Curve, ellipsoid, smooth_field
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def course(thorax: Thorax) -> Curve:
    """Return the centreline of the oesophagus."""
    dz = thorax.carina_z - 50
    chest = Curve.through(
        [(6, 44, 90), (9, 44, 50 + dz), (10, 47, 10), (10, 47, -30), (13, 43, -70), (24, 30, -110), (34, 22, -160)], 7.0
    )
    neck = Curve.through([(5, 22, 205), (5, 27, 165), (6, 37, 125), (6, 43.5, 93)], 7.0)
    straight = neck.joined(chest)
    x, y = spine.bend(thorax.habitus, straight.points[:, 2])
    # Below the chest the oesophagus leaves the spine.
    share = np.clip((straight.points[:, 2] + 130) / 60, 0, 1)
    return straight.moved(np.stack([share * x, share * y, np.zeros_like(x)], axis=1))


def distance(thorax: Thorax, grid: Grid) -> Floats:
    """Return the distance to the oesophagus, which ends in the stomach."""
    at = grid.coordinates()
    return np.asarray(np.maximum(course(thorax).column(at), np.float32(-135) - at.z), dtype=np.float32)


def gas(thorax: Thorax, grid: Grid, oesophagus: Floats) -> Regions:
    """Yield pockets of swallowed air."""
    if not thorax.habitus.oesophagus_air:
        return
    patch = smooth_field(thorax.seed, "swallowed air", 35.0).on(grid)
    inside = np.maximum(oesophagus + np.float32(2.6), np.float32(-95) - grid.coordinates().z)
    yield Region(Tissue.OESOPHAGUS_GAS, grid.whole, np.maximum(inside, 6 * (np.float32(0.4) - patch)))


def hernia(thorax: Thorax, grid: Grid) -> list[Region]:
    """Return the hernia behind the heart, of stomach or its fat; the wall first, then its gas."""
    body = thorax.habitus
    if body.hernia == "none":
        return []
    size = body.hernia_size
    x, y = course(thorax).at_height(-92.0)
    centre = np.array([x - 2, y + 2, -97.0 + 0.6 * size])
    semi = np.array([1.05, 0.8, 1.25]) * size
    box = grid.box(centre - semi - 14, centre + semi + 14)
    if is_empty(box):
        return []
    at = grid.coordinates(box)
    sac = ellipsoid(at, centre, semi)
    parts = [Region(Tissue.MEDIASTINAL_FAT if body.hernia == "fat" else Tissue.HERNIA, box, sac)]
    if body.hernia == "gas":
        air = np.maximum(sac + np.float32(3.5), at.y - np.float32(centre[1] + 0.2 * size))
        parts.append(Region(Tissue.HERNIA_GAS, box, air))
    return parts
