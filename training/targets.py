"""What the heart net is to say: what a calcification would belong to, and where the landmarks are."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from training.classes import LANDMARK_SD_MM, PLACES
from training.deposits import Deposits

_SURE_MM: Final = (4.0, 4.0, 4.0, 4.0, 3.0, 4.0)
_NONE_MM: Final = (12.0, 12.0, 12.0, 12.0, 8.0, 11.0)
"""Up to where a place surely belongs to the artery, root or annulus near it, and from where on to none."""

_APART_MM: Final = 2.0
"""Of two that are this much nearer or further, one is e times as likely."""


def place_target(near_mm: Tensor, deposits: Deposits) -> Tensor:
    """Return the probabilities of `PLACES` (n, 7, z, y, x) from distances to all but the first (n, 6, z, y, x) in mm.

    At a deposit it is what the deposit belongs to that counts.
    """
    sure = torch.tensor(_SURE_MM, device=near_mm.device)[:, None, None, None]
    none = torch.tensor(_NONE_MM, device=near_mm.device)[:, None, None, None]
    some = ((none - near_mm) / (none - sure)).clamp(0, 1)
    weight = some * torch.exp((near_mm.amin(1, keepdim=True) - near_mm) / _APART_MM)
    shares = weight / weight.sum(1, keepdim=True).clamp(min=1e-6) * some.amax(1, keepdim=True)
    target = torch.cat([(1 - shares.sum(1, keepdim=True)).clamp(min=0), shares], 1)
    here = deposits.kind[:, None] == torch.arange(len(PLACES), device=near_mm.device)[:, None, None, None]
    share = deposits.share[:, None]
    return target * (1 - share) + here * share


def landmark_target(places: Tensor, seen: Tensor, landmarks: Tensor, cube_mm3: Tensor) -> Tensor:
    """Return the probability of each landmark in each voxel (n, landmarks, z, y, x); the rest to 1 is outside.

    `places` (n, 3, z, y, x) are the voxels' positions, `landmarks` (n, landmarks, 3) the true ones in the same frame,
    `cube_mm3` (n) the volume of a voxel in it. Voxels that are not `seen` (n, z, y, x) hold none.
    """
    spots = []
    whole = (2 * np.pi) ** 1.5 * LANDMARK_SD_MM**3 / cube_mm3
    for number in range(landmarks.shape[1]):
        away = ((places - landmarks[:, number, :, None, None, None]) ** 2).sum(1)
        bell = torch.exp(-away / (2 * LANDMARK_SD_MM**2)) * seen
        total = bell.sum((1, 2, 3))
        inside = (total / whole).clamp(max=1)
        spots.append(bell * (inside / total.clamp(min=1e-6))[:, None, None, None])
    return torch.stack(spots, 1)
