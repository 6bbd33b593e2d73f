"""A thorax as a sequence of tissues in painting order: shapes only, no attenuation."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from scoring.phantom import (
    abdomen,
    arch,
    chest,
    heart,
    lungs,
    mediastinum,
    oesophagus,
    pleura,
    table,
    veins,
)
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.grid import Grid
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def regions(thorax: Thorax, tree: CoronaryTree, grid: Grid) -> Regions:
    """Yield every region of a thorax on a grid; each one is painted over the earlier ones.

    The grid only decides where the shapes are sampled: they are functions of position alone.
    """
    wall = chest.ChestWall.build(thorax, grid)
    parts = _end_vessels(thorax, grid, heart.Heart.build(thorax, grid))
    under = abdomen.dome(thorax, grid)
    lumen = lungs.airway(thorax, grid)
    above = arch.regions(thorax, grid) + veins.regions(thorax, grid)
    slipped, hila = oesophagus.hernia(thorax, grid), mediastinum.hila(thorax, grid)
    yield from table.regions(thorax, grid, wall.skin)
    yield from chest.layers(thorax, grid, wall)
    yield Region(Tissue.MEDIASTINAL_FAT, grid.whole, wall.outward)
    yield from mediastinum.neck(thorax, grid)
    muscle = np.maximum(wall.gutter, wall.skin + np.float32(4))
    yield Region(Tissue.MUSCLE, grid.whole, muscle)
    yield from mediastinum.contents(thorax, grid, wall.outward)
    pericardium = np.abs(parts.sac - np.float32(0.9)) - np.float32(0.8)
    yield Region(Tissue.PERICARDIUM, grid.whole, np.maximum(pericardium, wall.outward))
    yield from abdomen.organs(thorax, grid, wall, parts, under)
    beside = [*above, *slipped, *hila, *mediastinum.footing(thorax, grid)]
    air = lungs.lung_distance(thorax, grid, wall, parts, dome=under, lumen=lumen, beside=beside)
    yield Region(Tissue.LUNG, grid.whole, air)
    yield from lungs.vessels(thorax, grid, air)
    yield from pleura.regions(thorax, grid, wall.outward, parts, air)
    yield from chest.skeleton(thorax, grid, wall)
    yield from hila
    yield from heart.great_vessels(parts, grid)
    yield from oesophagus.gas(thorax, grid, parts.oesophagus)
    yield from slipped
    for vessel in above:
        yield Region(Tissue.MEDIASTINAL_FAT, vessel.box, vessel.distance - np.float32(1.5))
    yield Region(Tissue.DESCENDING_AORTA, grid.whole, parts.descending)
    yield from above
    yield from mediastinum.thyroid(thorax, grid)
    yield from lungs.airways(grid, lumen)
    yield from heart.chambers(thorax, grid, parts)
    fat = np.maximum(tree.fat(grid, parts), parts.sac - np.float32(0.5))
    yield Region(Tissue.EPICARDIAL_FAT, grid.whole, fat)
    yield from heart.roots(thorax, grid, parts)
    # The fat around the ascending aorta must not cover its upper end.
    yield from arch.joint(thorax, grid, above)
    yield from tree.regions(grid)


def _end_vessels(thorax: Thorax, grid: Grid, parts: heart.Heart) -> heart.Heart:
    """Cut the great vessels, which the heart draws without an end, where the vessels of the neck take over."""
    return dataclasses.replace(
        parts,
        ascending=arch.cut(thorax, grid, parts.ascending),
        descending=arch.cut(thorax, grid, parts.descending),
        cava=veins.cut(grid, parts.cava),
        oesophagus=oesophagus.distance(thorax, grid),
    )


def landmarks(thorax: Thorax, tree: CoronaryTree) -> dict[str, Any]:
    """Return the named landmarks as points (x, y, z) in the thorax frame, mm."""
    apex = thorax.heart_point(heart.LEFT_VENTRICLE + 51 * heart.AXIS)
    return {
        "left_main_ostium": tree.arteries["LM"].points[0],
        "left_main_bifurcation": tree.arteries["LM"].points[-1],
        "right_ostium": tree.arteries["RCA"].points[0],
        "aortic_valve": thorax.valve,
        "mitral_valve": thorax.heart_point(heart.MITRAL),
        "apex": apex,
        "carina": np.array([3.0, 20.0, thorax.carina_z]) + np.array([*thorax.habitus.airway_shift, 0.0]),
    }
