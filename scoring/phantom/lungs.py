"""Airways, lungs and pulmonary vessels."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.chest import ChestWall
from scoring.phantom.grid import Floats, Grid
from scoring.phantom.heart import Heart
from scoring.phantom.shapes import FAR, Curve, smooth_field, smooth_union, stream
from scoring.phantom.spine import follow_spine
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue

_AT_ONCE: Final = 400_000
HILA: Final = ((-1, (-50.0, 20.0, 6.0)), (1, (64.0, 26.0, 8.0)))
"""Side (-1: right) and hilum of each lung."""


def airway(thorax: Thorax, grid: Grid) -> Floats:
    """Return the distance to the lumen of the trachea and the large bronchi."""
    return reduce(np.minimum, (tube.tube(grid, 10.0) for tube in (*bronchi(thorax), trachea(thorax))))


def bronchi(thorax: Thorax) -> tuple[Curve, ...]:
    """Return the lumen of the trachea, then those of the large bronchi."""
    c = thorax.carina_z
    tubes = (
        ([(3, 26, 120), (3, 22, c + 25), (3, 20, c)], [8.5, 8.5, 8.5]),
        (
            [(2, 20, c), (-12, 22, c - 12), (-28, 25, c - 24), (-40, 29, c - 44), (-46, 36, c - 66)],
            [7.5, 7, 6.2, 4.5, 3],
        ),
        ([(4, 20, c), (18, 22, c - 12), (36, 25, c - 21), (52, 31, c - 34), (60, 40, c - 58)], [7.5, 6.5, 6, 4.5, 3]),
        ([(-22, 24, c - 18), (-42, 20, c - 14), (-56, 14, c - 6)], [5, 4, 2.5]),
        ([(48, 28, c - 29), (64, 16, c - 26), (76, 2, c - 22)], [4.5, 3.6, 2.2]),
    )
    body = thorax.habitus
    shift = np.array([*body.airway_shift, 0.0])
    return tuple(
        Curve.through(follow_spine(body, knots) + shift, np.multiply(radii, body.airway_scale))
        for knots, radii in tubes
    )


def trachea(thorax: Thorax) -> Curve:
    """Return the part of the trachea above the chest."""
    knots = [(3, 26, 118), (3, 20, 150), (3, 8, 215)]
    body = thorax.habitus
    shift = np.array([*body.airway_shift, -2.0])
    return Curve.through(follow_spine(body, knots) + shift, 8.5 * body.airway_scale, 3.0)


def airways(grid: Grid, lumen: Floats) -> Regions:
    """Yield walls and lumen of the large airways."""
    yield Region(Tissue.AIRWAY_WALL, grid.whole, lumen - np.float32(1.3))
    yield Region(Tissue.AIRWAY, grid.whole, lumen)


def lung_distance(
    thorax: Thorax,
    grid: Grid,
    wall: ChestWall,
    heart: Heart,
    *,
    dome: Floats,
    lumen: Floats,
    beside: Iterable[Region] = (),
) -> Floats:
    """Return the distance to the lungs: the cavity above the diaphragm without the mediastinum.

    `beside` are further bodies that the lungs surround.
    """
    body = thorax.habitus
    more = np.float32(body.mediastinal_fat)
    at = grid.coordinates()
    bumps = smooth_field(thorax.seed, "mediastinum", 40.0).on(grid)
    inside = heart.sac - np.float32(1.5) - np.float32(0.6) * more
    for part, margin in (
        (heart.ascending, 2.0),
        (heart.descending, 0.8),
        (heart.pulmonary, 1.0),
        (heart.cava, 0.8),
        (heart.oesophagus, 1.0),
        (lumen, 2.0),
        (wall.gutter, 0.5),
    ):
        inside = smooth_union(inside, part - np.float32(margin) - more, body.fillet)
    core = (np.hypot((at.x - 8) / np.interp(at.z, [-40, 10], [8, body.core_width]), (at.y - 14) / 36) - 1) * 22
    inside = smooth_union(inside, np.broadcast_to(core.astype(np.float32), grid.shape), 9.0)
    # The two lungs meet behind the sternum along a thin sheet that opens to a wedge of fat in front.
    wedge = (
        np.abs(at.x - body.sheet_x)
        - 2.0
        - np.clip((-34 - at.y) * 0.55, 0, body.wedge) * np.interp(at.z, [-90, -40, 20], [1.6, 1.0, 0.8])
    )
    wedge = np.maximum(wedge, at.y + 20)
    inside = smooth_union(inside, np.broadcast_to(wedge.astype(np.float32), grid.shape), 6.0)
    for region in beside:
        inside[region.box] = smooth_union(inside[region.box], region.distance - np.float32(1.5), 7.0)
    inside = inside - np.float32(0.7) * bumps
    lungs = np.maximum(np.maximum(wall.outward, -inside), dome)
    return np.asarray(lungs, dtype=np.float32)


def vessels(thorax: Thorax, grid: Grid, lungs: Floats) -> Regions:
    """Yield the branching pulmonary vessels, which taper towards the periphery."""
    field = balls_distance(grid, _balls(thorax.seed))
    yield Region(Tissue.LUNG_VESSEL, grid.whole, np.maximum(field, lungs + np.float32(0.4)))


@lru_cache(maxsize=4)
def _balls(seed: int) -> Floats:
    rng = stream(seed, "lung vessels")
    return np.concatenate([_grow_tree(rng, side, np.array(hilum)) for side, hilum in HILA])


def _grow_tree(rng: np.random.Generator, side: int, hilum: NDArray[np.float64]) -> Floats:
    """Return balls (n, 4: x, y, z, radius) along the vessels of one lung, which fork until too thin to be visible."""
    count = 22
    way = rng.normal((0, 0.1, -0.25), (0.6, 0.8, 1.0), (count, 3))
    way[:, 0] = side * np.abs(way[:, 0] + side)
    at = hilum + rng.uniform((-4, -10, -30), (4, 12, 18), (count, 3))
    radius = rng.uniform(2.2, 4.4, count)
    balls = []
    while len(radius):
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        for step in range(26):
            going = step < rng.uniform(12, 26, len(radius)).astype(int)
            balls.append(np.column_stack([at, radius])[going])
            at = at + way
            way = way + rng.normal(0, 0.07, way.shape)
            way /= np.linalg.norm(way, axis=1, keepdims=True)
        forks = 2 + (rng.random(len(radius)) < 0.3)
        at, way, radius = (np.repeat(v, forks, axis=0) for v in (at, way, radius))
        radius = radius * rng.uniform(0.58, 0.86, len(radius))
        way = way + rng.normal(0, 0.48, way.shape)
        visible = (radius > 0.42) & (np.abs(at[:, 0]) < 150) & (np.abs(at[:, 1]) < 110) & (np.abs(at[:, 2]) < 130)
        at, way, radius = at[visible], way[visible], radius[visible]
    return np.concatenate(balls).astype(np.float32)


def balls_distance(grid: Grid, balls: Floats) -> Floats:
    """Return the distance to the nearest of many small balls (n, 4: x, y, z, radius), exact only near the surfaces."""
    field = np.full(grid.shape, FAR, dtype=np.float32)
    outside = np.abs(balls[:, 2] - (grid.z[0] + grid.z[-1]) / 2) - (grid.z[-1] - grid.z[0]) / 2
    balls = balls[outside < balls[:, 3] + 1]
    lines = (grid.z, grid.y, grid.x)
    step = [float(line[1] - line[0]) for line in lines]
    flat = field.reshape(-1)
    for width in range(1, 8):
        group = balls[np.ceil(balls[:, 3]).astype(int) == width]
        reach = [int(np.ceil((width + 0.8) / s)) for s in step]
        size = int(np.prod([2 * n + 1 for n in reach]))
        for batch in np.array_split(group, len(group) * size // _AT_ONCE + 1):
            # Squared distances and flat index of the points around each ball, one axis at a time.
            square, index = np.zeros((len(batch), 1, 1, 1), np.float32), np.zeros((len(batch), 1, 1, 1), np.intp)
            for axis, (line, s, n) in enumerate(zip(lines, step, reach, strict=True)):
                centre = batch[:, 2 - axis]
                point = np.rint((centre - line[0]) / s).astype(np.intp)[:, None] + np.arange(-n, n + 1)
                apart = (line[0] + point * np.float32(s) - centre[:, None]) ** 2
                apart = np.where((point >= 0) & (point < len(line)), apart, np.inf).astype(np.float32)
                spread = (len(batch), *(2 * n + 1 if k == axis else 1 for k in range(3)))
                square = square + apart.reshape(spread)
                index = index * len(line) + point.reshape(spread)
            within = square < (batch[:, 3] + np.float32(1))[:, None, None, None] ** 2
            radius = np.broadcast_to(batch[:, 3][:, None, None, None], within.shape)
            np.minimum.at(flat, index[within], np.sqrt(square[within]) - radius[within])
    return field
