"""Candidates of synthetic patients with what they truly are: what the judgement's hypotheses are learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from config.errors import NotScorable
from scoring import anatomy
from scoring.anatomy import Anatomy
from scoring.candidates import agatston, conventions
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.judgement import hypotheses, mixture, noise, verdicts
from scoring.judgement.evidence import gather
from scoring.judgement.features import Features, measure
from scoring.phantom import burden, population
from scoring.phantom.phantom import Piece
from scoring.phantom.shapes import stream
from scoring.result import ARTERIES
from training.scans import Scanned

CORONARY, OTHER = "coronary", "off_course"
KINDS: Final[dict[str, str]] = {
    **dict.fromkeys(ARTERIES, CORONARY),
    "ascending aorta wall": "aortic_root",
    "aortic root": "aortic_root",
    "aortic root ring": "aortic_root",
    "coronary origin": "aortic_root",
    "aortic plaques": "aortic_root",
    "aortic valve": "aortic_valve",
    "mitral annulus": "mitral_annulus",
    "pericardium": "pericardium",
    "lymph node": "lymph_node",
    "hilar lymph node": "lymph_node",
    "granuloma": "in_lung",
    "bronchial wall": "in_lung",
    "papillary muscle": "inside_heart",
    "surgical clip": "clip",
}
"""The hypothesis that is true of each kind of piece; other kinds teach nothing.

What belongs to no piece (noise, streaks, edges of bone and vessels) lies where it does by chance.
"""

OFF_MM: Final = 2.7
"""Standard deviation along an axis by which courses are misplaced in real hearts: in the median 4.1 mm in space, on
scans that nothing was set on."""
COPIES: Final = 4
_NEAR_MM: Final = 20.0
_TOUCHING_MM: Final = 1.5
_SHARE: Final = 0.3
# What the fixed hypotheses exclude teaches nothing about the others.
_EXCLUDED: Final = 3.0
_COPIED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Taught:
    """Candidates of one patient: `kind` (n,) true hypotheses, `score` (n,) Agatston, `evidence` (copies, pieces, n)."""

    kind: NDArray[np.str_]
    score: NDArray[np.float64]
    evidence: NDArray[np.float64]
    names: NDArray[np.str_]

    @classmethod
    def collect(cls, scanned: Scanned, seed: int) -> Self:
        """Collect the candidates of a scan; none where it cannot be scored."""
        volume = scanned.volume
        try:
            place = anatomy.find(volume)
        except NotScorable:
            return cls.nothing()
        convention = conventions.named("standard")
        found = _near_heart(volume, place, agatston.candidates(volume, convention))
        found = mixture.part(volume, convention, place.heart, found)
        if not found:
            return cls.nothing()
        plain = measure(volume, place, found)
        kinds = name_all(scanned, found, plain)
        used = np.flatnonzero(_is_open(volume, place, found, plain) & (kinds != ""))
        if not len(used):
            return cls.nothing()
        looks = verdicts.look(volume, place, found, used)
        rng = stream(seed, "misplaced")
        rows: list[NDArray[np.float64]] = []
        names: list[str] = []
        for _ in range(COPIES):
            off = OFF_MM * (
                np.sqrt(1 - _COPIED) * rng.normal(0, 1, (len(found), 3)) + np.sqrt(_COPIED) * rng.normal(0, 1, 3)
            )
            evidence = gather(measure(volume, place, found, off), looks, place.blood.hu)
            names = list(evidence)
            rows.append(np.array([evidence[name][used] for name in names]))
        return cls(kinds[used], np.array([found[i].agatston for i in used]), np.array(rows), np.array(names))

    @classmethod
    def nothing(cls) -> Self:
        """No candidates."""
        return cls(np.zeros(0, "U16"), np.zeros(0), np.zeros((COPIES, 0, 0)), np.zeros(0, "U16"))

    def write(self, path: Path) -> None:
        """Write under a temporary name, then rename it: a reader never sees an incomplete file."""
        partial = path.with_suffix(".part.npz")
        np.savez(partial, kind=self.kind, score=self.score, evidence=self.evidence, names=self.names)
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        with np.load(path) as stored:
            return cls(stored["kind"], stored["score"], stored["evidence"], stored["names"])


def find_rarity() -> dict[str, float]:
    """How much rarer each learnt hypothesis is, against coronary calcium, in usual patients than in hard ones."""
    usual, hard = (1 - shares[0] for shares in (burden.SHARES, burden.HARD))
    return {
        name: sum(share for kind, (share, _) in population.KINDS.items() if KINDS.get(kind) == name)
        / sum(share for kind, (_, share) in population.KINDS.items() if KINDS.get(kind) == name)
        * (hard / usual)
        for name in {*KINDS.values()} - {CORONARY}
    }


def path_of(folder: Path, seed: int) -> Path:
    """The file of a seed's candidates."""
    return folder / f"candidates-{seed:06d}.npz"


def collect_if_missing(folder: Path, seed: int) -> None:
    """Collect the candidates of a seed into a folder unless they are there."""
    path = path_of(folder, seed)
    if not path.exists():
        Taught.collect(Scanned.load(folder, seed), seed).write(path)


def _near_heart(volume: Volume, place: Anatomy, found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates whose middle lies at most 20 mm outside the heart; the skeleton and the rest teach nothing."""
    if not found:
        return []
    middle = volume.to_index(np.array([item.centroid_mm for item in found])) * np.asarray(volume.spacing_mm)
    return [item for item, away in zip(found, place.chest.body.at(middle), strict=True) if away <= _NEAR_MM]


def _is_open(volume: Volume, place: Anatomy, found: Sequence[Candidate], features: Features) -> NDArray[np.bool_]:
    """Whether neither place nor noise decides about a candidate already."""
    fixed = [*hypotheses.exclude(features).values(), noise.odds_of_noise(noise.count_alike(volume, place.blood, found))]
    return np.asarray(np.max(fixed, axis=0) < _EXCLUDED)


def name_all(scanned: Scanned, found: Sequence[Candidate], features: Features) -> NDArray[np.str_]:
    """What each candidate is by the pieces of the phantom; empty where that is nothing to learn from."""
    reach = _TOUCHING_MM + scanned.motion_mm
    trees = [cKDTree(piece.line_mm) for piece in scanned.pieces]
    kinds = []
    for index, candidate in enumerate(found):
        sample = candidate.voxels[:: max(1, len(candidate.voxels) // 100)]
        points = scanned.volume.to_patient(sample.astype(np.float64))
        piece = _nearest(points, scanned.pieces, trees, reach)
        kind = KINDS.get(piece.kind, "") if piece else OTHER
        in_descending = features.descending_mm[index] < features.ascending_mm[index]
        kinds.append("" if kind == "aortic_root" and in_descending else kind)
    return np.array(kinds, "U16")


def _nearest(
    points: NDArray[np.float64], pieces: Sequence[Piece], trees: Sequence[cKDTree], reach_mm: float
) -> Piece | None:
    """The piece that holds most of the points (n, 3), at least 30 %."""
    shares = [
        float(np.mean(np.asarray(tree.query(points, distance_upper_bound=30.0)[0]) <= piece.radius_mm + reach_mm))
        for piece, tree in zip(pieces, trees, strict=True)
    ]
    best = int(np.argmax(shares)) if shares else 0
    return pieces[best] if shares and shares[best] >= _SHARE else None
