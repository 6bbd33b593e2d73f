"""Calcium and metal in views: what they add to the image, and what they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from training.pool import Held
from training.warp import Pose

_SHOWN: Final = 0.8
_STRENGTH: Final = (0.6, 1.6)
_BESIDE_MM: Final = (2.0, 4.5)
"""Around a deposit, a calcification surely belongs to what the deposit belongs to; this far off no longer."""

_REACH: Final = 3
_SHARES: Final = 1000
_KINDS: Final = 8


@dataclass(frozen=True, slots=True)
class Deposits:
    """For views (n, z, y, x): the HU added, and how surely (0 to 1) a place belongs to the deposit of a `kind`."""

    hu: Tensor
    share: Tensor
    kind: Tensor


def render(bodies: list[Held], pose: Pose, rng: np.random.Generator, step: float) -> Deposits:
    """Render a random subset of each body's deposits, by their share of a voxel of `step` mm."""
    count, _, depth, height, width = pose.bend.shape
    device = pose.bend.device
    rows = [_choose(body, number, rng) for number, body in enumerate(bodies)]
    points = torch.from_numpy(np.concatenate(rows)).to(device)
    volume = depth * height * width
    hu = torch.zeros(count * volume, device=device)
    key = torch.zeros(count * volume, device=device)
    if len(points):
        view = points[:, 7].long()
        place = pose.voxels(points[:, :3], view)
        line = torch.arange(-_REACH, _REACH + 1, device=device)
        offsets = torch.cartesian_prod(line, line, line)
        index = place.round().long()[:, None] + offsets
        steps = (index - place[:, None]).float()
        away = (pose.matrix[view][:, None] * steps[:, :, None]).sum(3).norm(dim=2)
        sides = torch.tensor((depth, height, width), device=device)
        inside = ((index >= 0) & (index < sides)).all(2)
        flat = ((view[:, None] * depth + index[..., 0]) * height + index[..., 1]) * width + index[..., 2]
        flat = torch.where(inside, flat, 0)
        radius, bright, kind = points[:, 3, None], points[:, 4, None], points[:, 6, None]
        covered = (0.5 - (away - radius) / step).clamp(0, 1) * (2 * radius / step).clamp(max=1) ** 2
        added = torch.where(inside, covered * bright, 0.0)
        hu.scatter_reduce_(0, flat.flatten(), added.flatten(), "amax")
        least, most = _BESIDE_MM
        sure = ((radius + most - away) / (most - least)).clamp(0, 1)
        keys = torch.where(inside, (sure * _SHARES).round() * _KINDS + kind, 0.0)
        key.scatter_reduce_(0, flat.flatten(), keys.flatten(), "amax")
    shape = (count, depth, height, width)
    packed = key.long().view(shape)
    return Deposits(hu.view(shape), (packed // _KINDS) / _SHARES, packed % _KINDS)


def _choose(body: Held, number: int, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the points of a random subset of a body's deposits (p, 8); the last column is the view's number."""
    numbers = np.unique(body.deposits[:, 5])
    chosen = numbers[rng.random(len(numbers)) < _SHOWN * rng.random() ** 0.4]
    points = body.deposits[np.isin(body.deposits[:, 5], chosen)]
    rows = np.column_stack([points, np.full(len(points), number, np.float32)])
    rows[:, 4] *= rng.uniform(*_STRENGTH)
    return rows
