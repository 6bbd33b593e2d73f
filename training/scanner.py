"""Blur, noise and artefacts of scanners of all vendors, at the coarse resolution of a net."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from scoring.phantom.rendering import BLOOD
from scoring.phantom.tissue import Tissue
from training.lines import Numbers, along, blur, slice_matrix

_LOW_HU, _HIGH_HU = -1024.0, 2500.0
_TISSUES: Final = 256
_BONE: Final = (
    Tissue.RIB_CORTEX,
    Tissue.RIB_MARROW,
    Tissue.STERNUM_CORTEX,
    Tissue.STERNUM_MARROW,
    Tissue.VERTEBRA_CORTEX,
    Tissue.VERTEBRA_MARROW,
)
_FAT: Final = (Tissue.MEDIASTINAL_FAT, Tissue.ABDOMINAL_FAT, Tissue.EPICARDIAL_FAT)
_CONTRAST: Final = 0.1
_CONTRAST_HU: Final = (5.0, 310.0)
_THICK: Final = 0.3
_SHARP: Final = 0.2
_NOISE_HU: Final = 40.0
_STREAKED: Final = 0.15
_RAYS: Final = 96


class Scanner:
    """Simulates scans of painted crops (n, z, y, x), all on one device: large numbers come from `generator`."""

    def __init__(self, rng: np.random.Generator, generator: torch.Generator, step: float) -> None:
        self.rng, self.generator, self.step = rng, generator, step

    def colour(self, hu: Tensor, tissue: Tensor) -> Tensor:
        """Add what differs from patient to patient: contrast in the blood, and each tissue's own attenuation."""
        count = len(hu)
        table = self.rng.normal(0, 4, (count, _TISSUES))
        blood = np.array(sorted(BLOOD))
        table[:, blood] = self.rng.normal(0, 5, (count, 1)) + self.rng.normal(0, 1.5, (count, len(blood)))
        fat = np.array(_FAT)
        table[:, fat] = self.rng.normal(0, 6, (count, 1)) + self.rng.normal(0, 3, (count, len(fat)))
        contrast = np.where(self.rng.random(count) < _CONTRAST, self.rng.uniform(*_CONTRAST_HU, count), 0)
        table[:, blood] += contrast[:, None] * self.rng.uniform(0.6, 1, (count, len(blood)))
        table[:, Tissue.MYOCARDIUM] += contrast * self.rng.uniform(0, 0.35, count)
        added = self._tensor(table)
        return hu + added.gather(1, tissue.flatten(1).long()).view_as(hu)

    def scan(self, hu: Tensor, tissue: Tensor) -> Tensor:
        """Simulate the scans (HU): texture, slice thickness, kernel, noise, cupping, streaks."""
        count, depth, height, _ = hu.shape
        rng = self.rng
        image = hu + self._texture(tissue)
        plane = rng.uniform(0.2, 0.65, count)
        through = np.where(rng.random(count) < 0.5, plane, rng.uniform(0.2, 0.7, count))
        image = blur(image, np.stack([through, plane, plane], 1))
        thick = np.where(rng.random(count) < _THICK, rng.uniform(1.0, 2.2, count) * 3 / self.step, 0)
        image = along(image, 1, slice_matrix(depth, thick, rng.random(count), str(hu.device)))
        sharp = np.where(rng.random(count) < _SHARP, rng.uniform(0.1, 0.9, count), 0)
        # Sharp kernels overshoot at edges.
        around = blur(image, np.tile([0, 0.8, 0.8], (count, 1)))
        image = image + self._each(sharp) * (image - around)
        image = image + self._noise(hu.shape) + self._streaks(hu.shape) + self._each(rng.normal(0, 4, count))
        turns, start = rng.uniform(1, 6, (count, 1)), rng.uniform(0, 6, (count, 1))
        high = np.where(rng.random((count, 1)) < 0.3, rng.uniform(-20, 20, (count, 1)), 0)
        wave = high * np.sin(np.linspace(0, 1, height) * turns + start)
        image = image + self._tensor(wave)[:, None, :, None]
        uneven = np.where(rng.random(count) < 0.15, rng.uniform(2, 12, count), 0)
        image = image + self._tensor(uneven[:, None] * rng.normal(size=(count, depth)))[:, :, None, None]
        return image.clamp(_LOW_HU, _HIGH_HU)

    def _texture(self, tissue: Tensor) -> Tensor:
        """Draw the texture that painted tissues lack: lung, bone and strands in fat differ between patients."""
        count, _, height, _ = tissue.shape
        rng = self.rng
        rough = self._unit(blur(self._white(tissue.shape), np.repeat(rng.uniform(0.5, 2, (count, 1)), 3, 1)))
        rough = (rough * self._each(rng.uniform(0, 64, count))).clamp(-90, 350)
        slope = self._tensor(np.linspace(0, 1, height) * rng.uniform(0, 110, (count, 1)))[:, None, :, None]
        added = torch.where(tissue == Tissue.LUNG, rough + slope, 0.0)
        grain = self._white(tissue.shape) * self._each(rng.uniform(10, 120, count))
        added = torch.where(_one_of(tissue, _BONE), grain, added)
        strands = blur(self._white(tissue.shape), np.full((count, 3), 0.8)) * self._each(rng.uniform(0, 140, count))
        return torch.where(_one_of(tissue, _FAT), strands.clamp(-20, 140), added)

    def _noise(self, shape: torch.Size) -> Tensor:
        """Draw correlated noise: fine or blotchy, in some scans along rows (streaks between the shoulders)."""
        count, rng = shape[0], self.rng
        grain = rng.uniform(0, 0.9, count)
        along_rows = np.where(rng.random(count) < 0.12, rng.uniform(2, 6, count), 1)
        sizes = np.stack([grain * rng.uniform(0.2, 1.2, count), grain, grain * along_rows], 1)
        high = _NOISE_HU * (rng.random(count) ** 2.2 + 0.02)
        return self._unit(blur(self._white(shape), sizes)) * self._each(high)

    def _streaks(self, shape: torch.Size) -> Tensor:
        """Draw rays of too little or too much attenuation from one point of a slab, as metal or a limb casts them."""
        count, depth, height, width = shape
        rng = self.rng
        strength = np.where(rng.random(count) < _STREAKED, rng.uniform(5, 60, count), 0)
        if not strength.any():
            return torch.zeros(1, device=self.generator.device)
        y, x = self._tensor(rng.uniform(0, 1, (2, count)) * np.array([[height], [width]]))
        away_y = torch.arange(height, device=y.device)[None, :, None] - y[:, None, None]
        away_x = torch.arange(width, device=y.device)[None, None, :] - x[:, None, None]
        turn = (torch.atan2(away_y, away_x) / (2 * np.pi) + 0.5) * (_RAYS - 1)
        rays = self._tensor(rng.normal(size=(count, _RAYS)))
        ray = rays.gather(1, turn.flatten(1).round().long()).view_as(turn)
        ray = ray / (1 + torch.hypot(away_y, away_x) * self.step / 60)
        z = np.arange(depth)
        slab = np.exp(-(((z - rng.uniform(0, depth, (count, 1))) / rng.uniform(2, 12, (count, 1))) ** 2))
        return self._tensor(strength[:, None] * slab)[:, :, None, None] * ray[:, None]

    def _white(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def _unit(self, image: Tensor) -> Tensor:
        return image / image.flatten(1).std(1).clamp(min=1e-3)[:, None, None, None]

    def _tensor(self, values: Numbers) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.generator.device)

    def _each(self, values: Numbers) -> Tensor:
        return self._tensor(values)[:, None, None, None]


def _one_of(tissue: Tensor, tissues: tuple[Tissue, ...]) -> Tensor:
    table = torch.zeros(_TISSUES, dtype=torch.bool, device=tissue.device)
    table[torch.tensor(tissues, device=tissue.device)] = True
    return table[tissue.long()]
