"""Painted synthetic bodies on disk, from which views are cut."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.network import Kind
from scoring.phantom import anatomy, population, rendering
from scoring.phantom.calcium import place_calcification
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractors import build_distractors
from scoring.phantom.grid import Grid
from scoring.phantom.place import PLACES, place_of
from scoring.phantom.shapes import stream
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue
from training.classes import LANDMARKS, PAINT_MM
from training.zones import measure_distances

HELD_OUT: Final = 90_000
"""Bodies from this seed on are never used for training; phantoms from 100,000 on measure the whole engine."""

_BOX: Final = {
    "chest": ((-230.0, -160.0, -260.0), (230.0, 190.0, 200.0)),
    "heart": ((-118.0, -126.0, -156.0), (158.0, 114.0, 78.0)),
}
_BLOOD: Final = (33.0, 56.0)
_FAT: Final = (-116.0, -84.0)
_SPREAD: Final = 7.0


@dataclass(frozen=True, slots=True)
class Body:
    """A thorax painted on a grid of `step` mm whose voxel [0, 0, 0] is at `low` (x, y, z) in the thorax frame.

    `hu` int16 and `tissue` uint8 are (z, y, x). `deposits` (n, 7) holds points x, y, z of calcium and metal with
    radius, HU, the number of their deposit and what it belongs to, an index into `PLACES`. `near` uint8 (6, z, y, x)
    is how far the places after "none" are, in `zones.UNIT_MM`; bodies for the chest net have none. `landmarks` (n, 3)
    are those of `classes.LANDMARKS`.
    """

    hu: NDArray[np.int16]
    tissue: NDArray[np.uint8]
    low: NDArray[np.float64]
    step: NDArray[np.float64]
    deposits: NDArray[np.float32]
    near: NDArray[np.uint8]
    landmarks: NDArray[np.float64]

    @classmethod
    def paint(cls, seed: int, kind: Kind) -> Self:
        """Paint the body of a seed for the net `kind`, with random attenuations of its tissues."""
        rng = stream(seed, f"training {kind}")
        thorax = draw_thorax(seed, rng)
        tree = CoronaryTree.grow(thorax)
        grid = Grid.covering(*_BOX[kind], (PAINT_MM[kind],) * 3)
        regions = anatomy.regions(thorax, tree, grid)
        hu, tissue = rendering.paint(regions, grid, seed=seed, contrast=False, attenuation=_draw_attenuation(rng))
        positions = anatomy.landmarks(thorax, tree)
        return cls(
            hu=np.clip(np.rint(hu), -1024, 3000).astype(np.int16),
            tissue=tissue,
            low=np.array([grid.x[0], grid.y[0], grid.z[0]], np.float64),
            step=np.array(PAINT_MM[kind]),
            deposits=_deposit_points(thorax, tree, seed),
            near=measure_distances(thorax, tree, grid) if kind == "heart" else np.zeros((0, *grid.shape), np.uint8),
            landmarks=np.array([positions[name] for name in LANDMARKS]),
        )

    def write(self, path: Path) -> None:
        """Write the body under a temporary name, then rename it: a reader never sees an incomplete file."""
        partial = path.with_suffix(".part.npz")
        np.savez(partial, **{field.name: getattr(self, field.name) for field in fields(self)})
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a body from a file."""
        with np.load(path) as stored:
            return cls(**{field.name: stored[field.name] for field in fields(cls)})


def draw_thorax(seed: int, rng: np.random.Generator) -> Thorax:
    """Draw the thorax of a seed; the first number of the body's generator says how far it departs from the average."""
    return Thorax.draw(seed, float(rng.uniform(0.4, 1.0)))


def path_of(folder: Path, kind: Kind, seed: int) -> Path:
    """Return where the body of a seed lies in a folder."""
    return folder / f"{kind}-{seed:06d}.npz"


def seed_of(path: Path) -> int:
    """Return the seed of a body's file."""
    return int(path.stem.rpartition("-")[2])


def paint_if_missing(kind: Kind, folder: Path, seed: int) -> None:
    """Paint the body of a seed into a folder unless it exists."""
    path = path_of(folder, kind, seed)
    if not path.exists():
        Body.paint(seed, kind).write(path)


def _draw_attenuation(rng: np.random.Generator) -> dict[Tissue, float]:
    """Draw attenuations (HU) around the usual ones: all blood has one value in common, and so has fat."""
    attenuation = {t: hu + float(rng.normal(0, _SPREAD)) for t, hu in rendering.ATTENUATION_HU.items()}
    blood, fat = rng.uniform(*_BLOOD), rng.uniform(*_FAT)
    for tissue in rendering.BLOOD:
        attenuation[tissue] = float(blood + rng.normal(0, 2))
    attenuation[Tissue.LEFT_VENTRICLE] = float(blood + rng.normal(0, 4))
    attenuation[Tissue.MYOCARDIUM] = float(blood + rng.uniform(-2, 12))
    for tissue in (Tissue.FAT, Tissue.MEDIASTINAL_FAT, Tissue.ABDOMINAL_FAT, Tissue.EPICARDIAL_FAT):
        attenuation[tissue] = float(fat + rng.normal(0, 5))
    if rng.random() < 0.25:
        # Thin fat together with fluid looks less dark.
        attenuation[Tissue.EPICARDIAL_FAT] += float(rng.uniform(0, 45))
    attenuation[Tissue.LUNG] = float(rng.uniform(-915, -760))
    for tissue in (Tissue.RIB_CORTEX, Tissue.STERNUM_CORTEX, Tissue.VERTEBRA_CORTEX):
        attenuation[tissue] *= float(rng.uniform(0.6, 1.3))
    for tissue in (Tissue.RIB_MARROW, Tissue.STERNUM_MARROW, Tissue.VERTEBRA_MARROW):
        attenuation[tissue] = float(rng.uniform(50, 270))
    if rng.random() < 0.15:
        attenuation[Tissue.LIVER] = float(rng.uniform(-15, 30))
    for tissue, low, high in ((Tissue.STOMACH, -20, 70), (Tissue.OESOPHAGUS, 15, 50), (Tissue.LIVER, 40, 72)):
        if tissue is not Tissue.LIVER or attenuation[tissue] > 32:
            attenuation[tissue] = float(rng.uniform(low, high))
    return attenuation


def _deposit_points(thorax: Thorax, tree: CoronaryTree, seed: int) -> NDArray[np.float32]:
    patient = population.draw(seed, hard=True)
    distractors = build_distractors(thorax, tree, patient.distractor_kinds, 1.0, patient.distractor_strength)
    found = [(d.deposit, place_of(d, thorax, tree)) for d in distractors]
    for number, lesion in enumerate(patient.lesions):
        found.append((place_calcification(thorax, tree, lesion, seed, number), lesion.artery))
    rows = [
        np.column_stack([d.line, np.full((len(d.line), 4), (d.radius, d.hu, number, PLACES.index(place)))])
        for number, (d, place) in enumerate(found)
    ]
    return np.vstack([np.zeros((0, 7)), *rows]).astype(np.float32)
