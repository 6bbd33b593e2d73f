"""A chest of simple bodies with known landmarks, small enough to be searched in half a second."""

from dataclasses import dataclass

import numpy as np
import pytest

from scoring.volume import Volume

AIR, LUNG, FAT, BLOOD, BONE = -1000, -850, -100, 40, 420
SPACING = (3.0, 1.5, 1.5)
SHAPE = (62, 190, 210)
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class Chest:
    """The volume and what is true of it, mm along the volume's axes."""

    volume: Volume
    left_main_mm: float = 126.0
    middle_mm: float = 86.0
    ascending: tuple[float, float, float] = (100.0, 137.0, 16.5)
    descending: tuple[float, float, float] = (176.0, 180.0, 12.0)
    spine_mm: tuple[float, float] = (182.0, 157.0)
    lung_ml: float = 0.0


def as_volume(hu, spacing=SPACING):
    return Volume(np.asarray(hu, np.int16), spacing, (0.0, 0.0, 0.0), AXES, ())


def build(*, blood=BLOOD, noise=12.0, spacing=SPACING, shape=SHAPE, table=False):
    """HU of the chest; returns (hu, lung in mL)."""
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    hu = np.full(shape, AIR, np.float32)

    def ellipse(cy, cx, ry, rx):
        return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1

    hu[ellipse(140, 157, 118, 152)] = FAT
    hu[ellipse(140, 157, 108, 140)] = 50
    between = np.abs(x - 160) < 38 + 0 * z
    heart_room = ((y - 112) / 62) ** 2 + ((x - 170) / 78) ** 2 + ((z - 86) / 62) ** 2 <= 1
    lung = ellipse(137, 157, 92, 125) & ~between & ~heart_room & (z > 24)
    hu[lung] = LUNG
    hu[ellipse(137, 157, 92, 125) & (between | heart_room)] = FAT
    hu[(z <= 24) & ellipse(137, 157, 92, 125) & (x < 165)] = 55
    heart = ((y - 112) / 54) ** 2 + ((x - 170) / 70) ** 2 + ((z - 82) / 52) ** 2 <= 1
    root = ellipse(104, 142, 30, 32) & (z < 124) & (z > 60)
    trunk = ellipse(84, 176, 15, 15) & (z > 110)
    for part in (heart, root, trunk, ellipse(100, 137, 16.5, 16.5) & (z > 100), ellipse(176, 180, 12, 12)):
        hu[part] = blood
    airway = (ellipse(158, 140, 8, 8) | ellipse(158, 172, 8, 8)) & (z > 131)
    hu[airway] = -980
    vertebra = ellipse(202, 157, 20, 22)
    hu[vertebra] = BONE
    hu[(np.abs(y - 36) < 6) & (np.abs(x - 157) < 20)] = BONE
    hu[(((y - 137) / 99) ** 2 + ((x - 157) / 132) ** 2 <= 1) & ~ellipse(137, 157, 93, 126) & (z % 30 < 9)] = BONE
    if table:
        hu[y > 263] = -930
    if noise:
        hu += np.random.default_rng(3).normal(0, noise, shape).astype(np.float32)
    return np.clip(hu, -1024, 3000).round(), float(lung.sum() * np.prod(spacing) / 1000)


@pytest.fixture(scope="session")
def chest():
    hu, lung_ml = build()
    return Chest(as_volume(hu), lung_ml=lung_ml)


@pytest.fixture(scope="session")
def make_chest():
    """Builder of variants: keyword arguments of `build`, or `hu` already made."""

    def make(hu=None, spacing=SPACING, **kwargs):
        if hu is not None:
            return Chest(as_volume(hu, spacing))
        made, lung_ml = build(spacing=spacing, **kwargs)
        return Chest(as_volume(made, spacing), lung_ml=lung_ml)

    return make
