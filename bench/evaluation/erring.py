"""Patients of the generator whose nets err: trees and calcium of phantoms, in fat, with courses seen in wrong places.

On phantoms the nets make few errors, so that these say nothing about what follows them. Here what they see is drawn:
every artery where it is, moved by an error that varies smoothly over the heart, and surer than it should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from scoring.candidates import agatston
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import Volume
from scoring.phantom.burden import calcifications
from scoring.phantom.calcium import place_calcification, render_deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import stream
from scoring.phantom.thorax import Thorax
from scoring.result import ARTERIES

SPACING_MM: Final = (3.0, 0.6, 0.6)
FAT_HU, NOISE_HU = -80.0, 12.0
MARGIN_MM: Final = 12.0
SEEN_MM, NOWHERE, TOO_SURE = 4.0, 0.05, 1.5
LANDMARK_MM: Final = 3.0
WAVES, WAVE_MM = 3, 20.0
AXES: Final = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class ErringHeart:
    """What nets see that are wrong by some mm: the part of `Heart` that naming asks for, on axes (z, y, x)."""

    lines: tuple[cKDTree, ...]
    shifts: NDArray[np.float64]
    waves: tuple[tuple[NDArray[np.float64], NDArray[np.float64], float], ...]
    landmarks: dict[str, SimpleNamespace]
    places: tuple[str, ...] = ("none", *ARTERIES)

    def likelihood(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each place at points (n, 3): (5, n)."""
        moved = points_mm + sum(high * np.sin(points_mm @ wave + phase)[:, None] for high, wave, phase in self.waves)
        away = [line.query(moved + shift)[0] for line, shift in zip(self.lines, self.shifts, strict=True)]
        odds = np.stack([np.full(len(moved), NOWHERE), *(np.exp(-0.5 * (d / SEEN_MM) ** 2) for d in away)]) ** TOO_SURE
        return np.asarray(odds / odds.sum(axis=0))


@dataclass(frozen=True)
class Patient:
    """Calcium in fat, what erring nets see, the candidates, and the true artery of their voxels."""

    volume: Volume
    heart: ErringHeart
    candidates: list[Candidate]
    truth: list[NDArray[np.intp]]


def draw_patient(seed: int, error_mm: float, convention: Convention) -> Patient | None:
    """Draw the calcium of a hard phantom, and nets that err by `error_mm`; None without calcium."""
    rng = stream(seed, "erring nets")
    thorax = Thorax.draw(seed, 1.0)
    tree = CoronaryTree.grow(thorax)
    lesions = calcifications(seed, hard=True)
    deposits = [place_calcification(thorax, tree, lesion, seed, number) for number, lesion in enumerate(lesions)]
    if not deposits:
        return None
    every = np.concatenate([tree.arteries["LM"].points, *(item.line for item in deposits)])
    low, high = every.min(axis=0) - MARGIN_MM, every.max(axis=0) + MARGIN_MM
    x, y, z = (np.arange(a, b, step) for a, b, step in zip(low, high, SPACING_MM[::-1], strict=True))
    scan = Scan(x, y, z, SPACING_MM[0], "rectangular")
    image = rng.normal(FAT_HU, NOISE_HU, (len(z), len(y), len(x)))
    owner, most = np.full(image.shape, -1, np.intp), np.zeros(image.shape)
    for lesion, deposit in zip(lesions, deposits, strict=True):
        if (part := render_deposit(deposit, scan)) is None:
            continue
        box, hu = part
        image[box] += hu
        owner[box] = np.where(hu > most[box], ARTERIES.index(lesion.artery), owner[box])
        most[box] = np.maximum(most[box], hu)
    volume = Volume(
        np.rint(image).astype(np.int16), SPACING_MM, (float(low[0]), float(low[1]), float(low[2])), AXES, ()
    )
    candidates = agatston.candidates(volume, convention)
    truth = [owner[tuple(item.voxels.T)] for item in candidates]
    if not candidates:
        return None
    return Patient(volume, _err(tree, low, error_mm, rng), candidates, [np.where(t < 0, t.max(), t) for t in truth])


def _err(tree: CoronaryTree, low: NDArray[np.float64], error_mm: float, rng: np.random.Generator) -> ErringHeart:
    lines = tuple(cKDTree((tree.lines(artery) - low)[:, ::-1]) for artery in ARTERIES)
    common = rng.normal(0, error_mm / 2, 3)
    shifts = common + rng.normal(0, 0.7 * error_mm, (len(ARTERIES), 3)) * (np.arange(len(ARTERIES)) > 0)[:, None]
    waves = tuple(
        (rng.normal(0, 0.7 * error_mm, 3), rng.normal(0, 1 / WAVE_MM, 3), float(rng.uniform(0, 2 * np.pi)))
        for _ in range(WAVES)
    )
    ends = {
        "left_main_ostium": tree.arteries["LM"].points[0],
        "left_main_bifurcation": tree.arteries["LM"].points[-1],
        "right_ostium": tree.arteries["RCA"].points[0],
    }
    landmarks = {
        name: SimpleNamespace(
            place_mm=(place - low)[::-1] - common + rng.normal(0, LANDMARK_MM, 3), spread_mm=5.0, certainty=0.95
        )
        for name, place in ends.items()
    }
    return ErringHeart(lines, shifts, waves, landmarks)
