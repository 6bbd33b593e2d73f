"""Views of bodies as scanners show them: warped crops with what the nets are to find in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scoring.anatomy.network import Kind
from training import classes, deposits, targets
from training.lines import Numbers
from training.pool import Held
from training.scanner import Scanner
from training.warp import Pose, Shape
from training.zones import UNIT_MM

IGNORED: Final = 255
_OUTSIDE_HU: Final = -1024.0
_HEART_MIDDLE: Final = np.array([27.0, -16.0, -16.0])
"""Of the image that the engine shows the net, on average, in the thorax frame."""
_ROUND: Final = 0.3
_CUT: Final = 0.25
# The sides of the arrays are multiples of 8; a view fills a part of one, as an image fills a part of what a net sees.
_SHAPES: Final[dict[Kind, tuple[Shape, ...]]] = {
    "heart": ((48, 56, 56), (64, 64, 72)),
    "chest": ((48, 64, 64), (40, 72, 88), (64, 80, 96)),
}
_GATED: Final = 64
"""Chest arrays up to this side hold the heart alone, as gated scans do."""


@dataclass(frozen=True, slots=True)
class Views:
    """A batch of n views; `hu` is (n, z, y, x), `label` int64 the class of each voxel, 255 where it is ignored.

    `place` (n, places, z, y, x) and `spot` (n, landmarks, z, y, x) are probabilities, `sure` (n, z, y, x) how surely a
    deposit is there, 0 to 1; for the chest net they have no channels.
    """

    hu: Tensor
    label: Tensor
    place: Tensor
    spot: Tensor
    sure: Tensor


def draw(bodies: list[Held], kind: Kind, rng: np.random.Generator) -> Views:
    """Draw a random view of each body for the net `kind`, on the device of the bodies."""
    device, step = str(bodies[0].hu.device), classes.STEP_MM[kind]
    shape = _SHAPES[kind][int(rng.integers(len(_SHAPES[kind])))]
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    sizes = np.maximum(np.rint(np.array(shape) * rng.uniform(0.78, 1.0, (len(bodies), 3))), 24)
    sizes = np.where(rng.random((len(bodies), 1)) < 0.2, np.array(shape), sizes)
    middles = np.stack([_middle(rng, kind, size, step) for size in sizes])
    pose = Pose.draw(rng, shape, step, sizes=sizes, middles=middles, device=device)
    at = pose.places()
    hu, tissue, near, held = _sampled(bodies, at)
    scanner = Scanner(rng, generator, step)
    calcium = deposits.render(bodies, pose, rng, step)
    seen, inside = _outline(rng, shape, sizes, device)
    image = scanner.scan(scanner.colour(hu, tissue) + calcium.hu, tissue)
    image = torch.where(seen & inside, image, _OUTSIDE_HU)
    label = torch.tensor(classes.class_of_tissue(kind), device=device)[tissue.long()].long()
    # Nothing is known beyond the painted body: it is ignored in training and does not count as air.
    label = torch.where(inside, label, 0).masked_fill(~held | ~seen, IGNORED)
    if kind == "chest":
        empty = torch.zeros(len(bodies), 0, *shape, device=device)
        return Views(image, label, empty, empty, calcium.share)
    landmarks = torch.tensor(np.stack([body.landmarks for body in bodies]), dtype=torch.float32, device=device)
    spot = targets.landmark_target(at, seen & inside, landmarks, pose.cube_mm3)
    return Views(image, label, targets.place_target(near * UNIT_MM, calcium), spot, calcium.share)


def _middle(rng: np.random.Generator, kind: Kind, size: Numbers, step: float) -> Numbers:
    """Draw the middle of a view (x, y, z) in the thorax frame."""
    if kind == "heart" or size[2] <= _GATED:
        middle = _HEART_MIDDLE + rng.normal(0, (9, 9, 18))
        if rng.random() < _CUT:
            # The images begin above the apex, or end below the aorta's arch.
            middle[2] += rng.choice([-1, 1]) * rng.uniform(10, 40)
        return np.asarray(middle)
    height = size[0] * step
    return np.array([rng.normal(0, 8), rng.normal(15, 8), rng.uniform(-215 + height / 3, 160 - height / 3)])


def _sampled(bodies: list[Held], at: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sample HU, tissue and distances (n, ..., z, y, x) of the bodies at places, and say which lie in the bodies."""
    device = at.device
    low = torch.tensor(np.stack([body.low for body in bodies]), dtype=torch.float32, device=device)
    sides = torch.tensor(bodies[0].hu.shape[::-1], device=device)[:, None, None, None]
    index = (at - low[:, :, None, None, None]) / bodies[0].step
    held = ((index > -0.5) & (index < sides - 0.5)).all(1)
    grid = (2 * index / (sides - 1) - 1).permute(0, 2, 3, 4, 1)
    smooth = torch.stack([torch.cat([body.hu[None].float(), body.near.float()]) for body in bodies])
    values = functional.grid_sample(smooth, grid, padding_mode="border", align_corners=True)
    tissue = torch.stack([body.tissue[None].float() for body in bodies])
    nearest = functional.grid_sample(tissue, grid, mode="nearest", padding_mode="border", align_corners=True)
    return values[:, 0], nearest[:, 0].to(torch.uint8), values[:, 1:], held


def _outline(rng: np.random.Generator, shape: Shape, sizes: Numbers, device: str) -> tuple[Tensor, Tensor]:
    """Return what the images cover, and what lies inside their field of view, which is round in some: (n, z, y, x)."""
    lines = [torch.arange(side, device=device) for side in shape]
    seen = torch.ones((len(sizes), *shape), dtype=torch.bool, device=device)
    for axis, line in enumerate(lines):
        view = [1, 1, 1, 1]
        view[0], view[axis + 1] = len(sizes), shape[axis]
        seen &= (line < torch.tensor(sizes[:, axis, None], device=device)).view(view)
    radius = sizes[:, 1:].max(1) / 2 * rng.uniform(0.97, 1.15, len(sizes))
    radius = np.where(rng.random(len(sizes)) < _ROUND, radius, 1e6)
    middle = torch.tensor((sizes[:, 1:] - 1) / 2, dtype=torch.float32, device=device)
    away = torch.hypot(lines[1][None, :, None] - middle[:, 0, None, None], lines[2] - middle[:, 1, None, None])
    inside = away <= torch.tensor(radius, dtype=torch.float32, device=device)[:, None, None]
    return seen, inside[:, None].expand_as(seen)
