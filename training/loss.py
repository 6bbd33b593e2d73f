"""Loss function of the nets."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from scoring.result import ARTERIES

IGNORED: Final = 255
COURSE_WEIGHT: Final = 8.0
PLACE_WEIGHT: Final = 0.12
_SEEN: Final = 0.5
_FEWEST: Final = 20


def loss(
    output: Tensor, label: Tensor, field: Tensor, weight: Tensor, courses: int = len(ARTERIES)
) -> tuple[Tensor, Tensor, Tensor]:
    """Return loss, Dice per class (NaN if a class is absent) and the error of each field.

    `output` is (n, classes + fields, z, y, x), `label` (n, z, y, x) with 255 for voxels that are ignored, `field`
    (n, fields, z, y, x): first the `courses` of arteries, then landmarks; `weight` (classes).
    """
    count = len(weight)
    logits, predicted = output[:, :count], output[:, count:]
    known = label != IGNORED
    entropy = functional.cross_entropy(logits, label, weight, ignore_index=IGNORED)
    share = logits.softmax(1) * known[:, None]
    truth = functional.one_hot(torch.where(known, label, 0), count).permute(0, 4, 1, 2, 3) * known[:, None]
    both = (share * truth).sum((0, 2, 3, 4))
    size = truth.sum((0, 2, 3, 4))
    dice = (2 * both + 1) / (share.sum((0, 2, 3, 4)) + size + 1)
    present = size > _FEWEST
    total = entropy + (1 - dice[present]).mean()
    error = torch.zeros(field.shape[1])
    if field.shape[1]:
        # Voxels near an artery are rare and matter most.
        apart = (predicted[:, :courses] - field[:, :courses]).abs() * (0.15 + field[:, :courses]) * known[:, None]
        spots = _landmark_error(predicted[:, courses:], field[:, courses:])
        error = torch.cat([apart.mean((0, 2, 3, 4)), spots])
        total = total + COURSE_WEIGHT * error[:courses].sum() + PLACE_WEIGHT * error[courses:].sum()
    return total, torch.where(present, dice, torch.nan).detach(), error.detach()


def _landmark_error(predicted: Tensor, field: Tensor) -> Tensor:
    """Return the cross-entropy of each landmark's position against its Gaussian, over the views that show it."""
    logits = predicted.flatten(2).log_softmax(2)
    truth = field.flatten(2)
    visible = (truth.amax(2) > _SEEN).float()
    aim = truth / truth.sum(2, keepdim=True).clamp(min=1e-6)
    each = (functional.kl_div(logits, aim, reduction="none").sum(2) * visible).sum(0)
    return each / visible.sum(0).clamp(min=1)
