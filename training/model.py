"""The net: a small three-dimensional U-Net."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from scoring.anatomy.network import Kind
from training.classes import LANDMARKS, NAMES, PLACES

CHANNELS: Final = (16, 32, 64, 128)
WINDOWS: Final = ((-1000.0, 800.0, 0.0, 500.0), (-150.0, 200.0, 20.0, 80.0))
"""Lowest and highest HU of each of the two inputs, and the offset and scale of their normalisation."""
SLOPE: Final = 0.1


def outputs_of(kind: Kind) -> int:
    """Return how many channels the net of a kind has: classes, then places and landmarks for the heart."""
    return len(NAMES[kind]) + (len(PLACES) + len(LANDMARKS) if kind == "heart" else 0)


class Norm(nn.GroupNorm):  # type: ignore[misc]
    """Group normalisation in the precision of its input: full precision would double what memory has to move."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        with torch.autocast(x.device.type, enabled=False):
            weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
            return functional.group_norm(x, self.num_groups, weight, bias, self.eps)


class Block(nn.Sequential):  # type: ignore[misc]
    """Convolution, group normalisation, leaky rectifier."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, padding=1, bias=False),
            Norm(max(1, outputs // 8), outputs),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class Net(nn.Module):  # type: ignore[misc]
    """Four levels, each at half the resolution of the last and with more channels, as coarse levels cost little.

    The input is HU (n, z, y, x), sides multiples of 8; the output logits (n, c, z, y, x).
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        a, b, c, d = CHANNELS
        self.down0 = Block(len(WINDOWS), a)
        self.down1 = nn.Sequential(Block(a, b), Block(b, b))
        self.down2 = nn.Sequential(Block(b, c), Block(c, c))
        self.down3 = nn.Sequential(Block(c, d), Block(d, d), Block(d, d))
        self.narrow2, self.up2 = nn.Conv3d(d, c, 1), Block(c, c)
        self.narrow1, self.up1 = nn.Conv3d(c, b, 1), Block(b, b)
        self.narrow0, self.up0 = nn.Conv3d(b, a, 1), Block(a, a)
        self.out = nn.Conv3d(a, outputs, 1)

    def forward(self, hu: Tensor) -> Tensor:
        """Compute logits from HU."""
        x = torch.stack([(hu.clamp(low, high) - zero) / size for low, high, zero, size in WINDOWS], 1)
        x0 = self.down0(x)
        x1 = self.down1(functional.max_pool3d(x0, 2))
        x2 = self.down2(functional.max_pool3d(x1, 2))
        x3 = self.down3(functional.max_pool3d(x2, 2))
        y = self.up2(_finer(self.narrow2(x3)) + x2)
        y = self.up1(_finer(self.narrow1(y)) + x1)
        result: Tensor = self.out(self.up0(_finer(self.narrow0(y)) + x0))
        return result


def _finer(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")
