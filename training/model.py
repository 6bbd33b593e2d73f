"""The net: a small three-dimensional U-Net."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS: Final = (16, 32, 40, 48)
WINDOWS: Final = ((-1000.0, 800.0, 0.0, 500.0), (-150.0, 200.0, 20.0, 80.0))
"""Lowest and highest HU of each of the two inputs, and the offset and scale of their normalisation."""
SLOPE: Final = 0.1


class Block(nn.Sequential):  # type: ignore[misc]
    """Convolution, group normalisation, leaky rectifier."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, padding=1, bias=False),
            nn.GroupNorm(max(1, outputs // 8), outputs),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class Net(nn.Module):  # type: ignore[misc]
    """Four levels, each at half the resolution of the last; the finest has one convolution each way, as it costs most.

    The input is HU (n, z, y, x), sides multiples of 8; the output logits, then fields, (n, c, z, y, x).
    """

    def __init__(self, classes: int, fields: int) -> None:
        super().__init__()
        a, b, c, d = CHANNELS
        self.down0 = Block(len(WINDOWS), a)
        self.down1 = nn.Sequential(Block(a, b), Block(b, b))
        self.down2 = nn.Sequential(Block(b, c), Block(c, c))
        self.down3 = nn.Sequential(Block(c, d), Block(d, d), Block(d, d))
        self.up2 = Block(d + c, c)
        self.up1 = Block(c + b, b)
        self.narrow = nn.Conv3d(b, a, 1)
        self.up0 = Block(a, a)
        self.out = nn.Conv3d(a, classes + fields, 1)

    def forward(self, hu: Tensor) -> Tensor:
        """Compute logits and fields from HU."""
        x = torch.stack([(hu.clamp(low, high) - zero) / size for low, high, zero, size in WINDOWS], 1)
        x0 = self.down0(x)
        x1 = self.down1(functional.max_pool3d(x0, 2))
        x2 = self.down2(functional.max_pool3d(x1, 2))
        x3 = self.down3(functional.max_pool3d(x2, 2))
        y = self.up2(torch.cat([_finer(x3), x2], 1))
        y = self.up1(torch.cat([_finer(y), x1], 1))
        result: Tensor = self.out(self.up0(_finer(self.narrow(y)) + x0))
        return result


def _finer(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")
