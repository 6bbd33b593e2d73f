"""One thorax as a sequence of tissues in painting order: shapes only, no attenuation."""

from __future__ import annotations

from typing import Any

import numpy as np

from scoring.phantom import abdomen, chest, heart, lungs
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.grid import Grid
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def regions(thorax: Thorax, tree: CoronaryTree, grid: Grid) -> Regions:
    """Every region of a thorax on a grid; a later one lies over the earlier ones.

    The grid only decides where the shapes are sampled: they are functions of the position alone.
    """
    wall = chest.ChestWall.build(thorax, grid)
    parts = heart.Heart.build(thorax, grid)
    under = abdomen.dome(thorax, grid)
    lumen = lungs.airway(thorax, grid)
    yield from chest.layers(thorax, grid, wall)
    yield Region(Tissue.MEDIASTINAL_FAT, grid.whole, wall.outward)
    muscle = np.maximum(wall.gutter, wall.skin)
    yield Region(Tissue.MUSCLE, grid.whole, muscle)
    pericardium = np.abs(parts.sac - np.float32(1.2)) - np.float32(0.5)
    yield Region(Tissue.PERICARDIUM, grid.whole, np.maximum(pericardium, wall.outward))
    yield from abdomen.organs(thorax, grid, wall, parts, under)
    air = lungs.lung_distance(thorax, grid, wall, parts, dome=under, lumen=lumen)
    yield Region(Tissue.LUNG, grid.whole, air)
    yield from lungs.vessels(thorax, grid, air)
    yield from chest.skeleton(thorax, grid, wall)
    yield from heart.great_vessels(parts, grid)
    yield from lungs.airways(grid, lumen)
    yield from heart.chambers(thorax, grid, parts)
    fat = np.maximum(tree.fat(grid, parts), parts.sac - np.float32(0.5))
    yield Region(Tissue.EPICARDIAL_FAT, grid.whole, fat)
    yield from heart.roots(grid, parts)
    yield from tree.regions(grid)


def landmarks(thorax: Thorax, tree: CoronaryTree) -> dict[str, Any]:
    """Named positions in the thorax frame, mm: points (x, y, z) and the aorta's curves."""
    apex = thorax.heart_point(np.array([47.0, -8.0, -46.0]) + 50 * heart.AXIS)
    return {
        "left_main_ostium": tree.arteries["LM"].points[0],
        "left_main_bifurcation": tree.arteries["LM"].points[-1],
        "right_ostium": tree.arteries["RCA"].points[0],
        "aortic_valve": thorax.valve,
        "apex": apex,
        "carina": np.array([3.0, 20.0, thorax.carina_z]),
    }
