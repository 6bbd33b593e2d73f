"""Mediastinal contents other than the heart and the vessels: strands, thymus, lymph nodes, fat of the neck."""

from __future__ import annotations

import numpy as np

from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.lungs import HILA
from scoring.phantom.shapes import capsule, ellipsoid, smooth_field, stream
from scoring.phantom.spine import follow_spine
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def neck(thorax: Thorax, grid: Grid) -> Regions:
    """Yield the fat and muscle around the vessels of the neck, from the top of the chest upwards."""
    body = thorax.habitus
    low, high = follow_spine(body, [(2.0, 14.0, body.apex_z - 26), (2.0, 14.0, 225.0)])
    box = grid.box((-75, -70, low[2] - 5), (75, 75, grid.z[-1]))
    if is_empty(box):
        return
    at = grid.coordinates(box)
    fat = capsule(at, low, high, (40.0, 30.0))
    z, y, x = box
    patch = smooth_field(thorax.seed, "neck", 20.0).on(Grid(grid.z[z], grid.y[y], grid.x[x]))
    yield Region(Tissue.MEDIASTINAL_FAT, box, np.maximum(fat, low[2] - at.z))
    yield Region(Tissue.MUSCLE, box, np.maximum(np.maximum(fat, low[2] + 14 - at.z), 7 * (np.float32(-0.1) - patch)))


def thyroid(thorax: Thorax, grid: Grid) -> Regions:
    """Yield both thyroid lobes beside the trachea."""
    for side in (-1, 1):
        z = thorax.habitus.apex_z + 34
        centre = follow_spine(thorax.habitus, [(3 + side * 17.0, 13.0, z)])[0]
        box = grid.box(centre - 40, centre + 40)
        if not is_empty(box):
            yield Region(Tissue.THYROID, box, ellipsoid(grid.coordinates(box), centre, (8, 11, 22)))


def contents(thorax: Thorax, grid: Grid, outward: Floats) -> Regions:
    """Yield strands, thymus and lymph nodes; lungs, heart and vessels are painted over them."""
    body = thorax.habitus
    if body.strands < 3:
        patch = smooth_field(thorax.seed, "strands", 14.0).on(grid)
        box = grid.box((-60, -100, -60), (70, 80, 130))
        yield Region(
            Tissue.NODE, box, np.maximum(outward[box] + 1, 5 * (np.float32(body.strands) - np.abs(patch[box])))
        )
    if body.thymus:
        centre = np.array([4.0, -0.62 * thorax.front, 30.0])
        box = grid.box(centre - 60, centre + 60)
        if not is_empty(box):
            gland = ellipsoid(grid.coordinates(box), centre, (1.1 * body.thymus, 0.55 * body.thymus, 26.0))
            patch = smooth_field(thorax.seed, "thymus", 12.0).on(grid)[box]
            yield Region(Tissue.NODE, box, np.maximum(gland, outward[box] + 2) + 3 * patch)
    rng = stream(thorax.seed, "nodes")
    for _ in range(body.nodes):
        at = np.array([rng.uniform(-24, 24), rng.uniform(6, 36), thorax.carina_z + rng.uniform(-30, 35)])
        semi = rng.uniform((3, 3, 3), (8, 7, 11))
        box = grid.box(at - 16, at + 16)
        if not is_empty(box):
            yield Region(Tissue.NODE, box, ellipsoid(grid.coordinates(box), at, semi))


def footing(thorax: Thorax, grid: Grid) -> list[Region]:
    """Return the fat between the heart and a diaphragm that is lower or flatter than usual."""
    if not any(thorax.habitus.domes):
        return []
    centre = thorax.heart_point((24, -24, -84))
    box = grid.box(centre - 75, centre + 75)
    if is_empty(box):
        return []
    return [Region(Tissue.MEDIASTINAL_FAT, box, ellipsoid(grid.coordinates(box), centre, (52, 34, 34)))]


def hila(thorax: Thorax, grid: Grid) -> list[Region]:
    """Return the fat and lymph nodes around the vessels in each hilum."""
    size = thorax.habitus.hilum
    if size < 2:
        return []
    roots = []
    rng = stream(thorax.seed, "hila")
    for side, hilum in HILA:
        centre = np.array(hilum) + rng.uniform((-6, -2, -12), (6, 10, 4)) - np.array([side * 8.0, 0, 0])
        semi = size * rng.uniform((0.7, 0.8, 1.1), (1.2, 1.4, 2.0))
        box = grid.box(centre - 45, centre + 45)
        if not is_empty(box):
            tissue = Tissue.NODE if rng.random() < 0.4 else Tissue.MEDIASTINAL_FAT
            roots.append(Region(tissue, box, ellipsoid(grid.coordinates(box), centre, semi)))
    return roots
