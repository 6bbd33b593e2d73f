"""Loss function of the nets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from training.view import IGNORED, Views

PLACE_WEIGHT: Final = 3.0
LANDMARK_WEIGHT: Final = 0.1
RELATIVE: Final = (0.5, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0)
"""Weights of `PLACES`: the left main is short, and most of the image belongs to none."""

AT_DEPOSIT: Final = 6.0
"""How much more a voxel counts in which a deposit lies: that is where the net will be asked."""

_FEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Loss:
    """`total` to be minimised; of what it consists, detached: Dice per class (NaN if absent), places, landmarks."""

    total: Tensor
    dice: Tensor
    place: Tensor
    landmarks: Tensor


def loss(output: Tensor, views: Views, weight: Tensor) -> Loss:
    """Compare logits (n, classes + places + landmarks, z, y, x) with what the views show; `weight` is per class."""
    count, places = len(weight), views.place.shape[1]
    known = views.label != IGNORED
    total, dice = _classes(output[:, :count], views.label, known, weight)
    if not places:
        none = torch.zeros(0, device=output.device)
        return Loss(total, dice, none, none)
    place = _places(output[:, count : count + places], views, known)
    spots = _landmarks(output[:, count + places :], views.spot)
    total = total + PLACE_WEIGHT * place + LANDMARK_WEIGHT * spots.sum()
    return Loss(total, dice, place.detach()[None], spots.detach())


def _classes(logits: Tensor, label: Tensor, known: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross-entropy with soft Dice, and the Dice of each class."""
    entropy = functional.cross_entropy(logits, label, weight, ignore_index=IGNORED)
    share = logits.softmax(1) * known[:, None]
    truth = label[:, None] == torch.arange(len(weight), device=label.device)[:, None, None, None]
    size = truth.sum((0, 2, 3, 4))
    dice = (2 * (share * truth).sum((0, 2, 3, 4)) + 1) / (share.sum((0, 2, 3, 4)) + size + 1)
    present = size > _FEWEST
    absent = torch.where(present, 1 - dice, 0.0).sum() / present.sum().clamp(min=1)
    return entropy + absent, torch.where(present, dice, torch.nan).detach()


def _places(logits: Tensor, views: Views, known: Tensor) -> Tensor:
    """Return the cross-entropy against the probabilities of places: a Dice would make the net surer than it may be."""
    relative = torch.tensor(RELATIVE, device=logits.device)[:, None, None, None]
    weight = (views.place * relative).sum(1) * (1 + AT_DEPOSIT * views.sure) * known
    entropy = -(views.place * logits.log_softmax(1)).sum(1)
    return (entropy * weight).sum() / weight.sum().clamp(min=1)


def _landmarks(logits: Tensor, spot: Tensor) -> Tensor:
    """Return how far the probabilities of each landmark, over all voxels and outside (logit 0), are from the true ones.

    It is the Kullback-Leibler divergence, averaged over the views.
    """
    outside = torch.zeros_like(logits.flatten(2)[:, :, :1])
    predicted = torch.cat([logits.flatten(2), outside], 2).log_softmax(2)
    truth = torch.cat([spot.flatten(2), 1 - spot.flatten(2).sum(2, keepdim=True).clamp(max=1)], 2)
    return functional.kl_div(predicted, truth, reduction="none").sum(2).mean(0)
