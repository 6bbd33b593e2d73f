"""Linear operations along one axis of a batch of images, each as a matrix per image: blur and slices."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]


def blur_matrix(side: int, sigmas: Numbers, device: str) -> Tensor:
    """Return matrices (n, side, side) that blur by Gaussians of `sigmas` (n) voxels; the ends are not darkened."""
    away = torch.arange(side, device=device)
    away = (away[:, None] - away[None]).float() ** 2
    width = torch.tensor(np.maximum(sigmas, 1e-3), dtype=torch.float32, device=device)
    weights = torch.exp(-away / (2 * width[:, None, None] ** 2))
    return weights / weights.sum(2, keepdim=True)


def slice_matrix(side: int, thickness: Numbers, phase: Numbers, device: str) -> Tensor:
    """Return matrices (n, side, side) that average slices of `thickness` (n) voxels and interpolate between them.

    `phase` (n), 0 to 1, is where the first slice begins. Slices no thicker than a voxel leave the image as it is.
    """
    matrices = np.empty((len(thickness), side, side))
    for number, (thick, start) in enumerate(zip(thickness, phase, strict=True)):
        if thick <= 1:
            matrices[number] = np.eye(side)
            continue
        middle = np.arange(start * thick - thick, side + thick, thick)
        edge = np.arange(side + 1) - 0.5
        low, high = middle[:, None] - thick / 2, middle[:, None] + thick / 2
        inside = np.clip(np.minimum(edge[1:], high) - np.maximum(edge[:-1], low), 0, None)
        seen = inside.sum(1) > 0.2
        inside, middle = inside[seen] / inside[seen].sum(1, keepdims=True), middle[seen]
        place = np.interp(np.arange(side), middle, np.arange(len(middle)))
        matrices[number] = np.clip(1 - np.abs(place[:, None] - np.arange(len(middle))), 0, None) @ inside
    return torch.tensor(matrices, dtype=torch.float32, device=device)


def along(image: Tensor, axis: int, matrices: Tensor) -> Tensor:
    """Apply matrices (n, side, side) along axis 1, 2 or 3 of images (n, z, y, x)."""
    row = "zyx"[axis - 1]
    return torch.einsum(f"nk{row},nzyx->n{'zyx'.replace(row, 'k')}", matrices, image)


def blur(image: Tensor, sigmas: Numbers) -> Tensor:
    """Blur images (n, z, y, x) by Gaussians of `sigmas` (n, 3) voxels along z, y, x."""
    for axis in (1, 2, 3):
        if (sigmas[:, axis - 1] > 0.05).any():
            matrix = blur_matrix(image.shape[axis], sigmas[:, axis - 1], str(image.device))
            image = along(image, axis, matrix)
    return image
