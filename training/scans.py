"""Scans of hard synthetic patients, kept on disk: nets and judgement change more often than the generator."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.images.volume import Volume
from scoring.phantom import PhantomSpec, draw, make_phantom
from scoring.phantom.phantom import Piece

# Pixels and reach of a scan: enough for the heart and what is around it, and no more.
_MATRIX: Final = 320
_ABOVE_MM, _BELOW_MM, _THINNEST_MM = 45.0, 125.0, 2.5


@dataclass(frozen=True, slots=True)
class Scanned:
    """The volume of a phantom, all its calcium and metal, and by how many mm its arteries move."""

    volume: Volume
    pieces: tuple[Piece, ...]
    motion_mm: float

    @classmethod
    def make(cls, seed: int) -> Self:
        """Scan the patient of a seed."""
        spec = _draw(seed)
        made = make_phantom(spec)
        return cls(Volume(made.hu, made.spacing_mm, made.origin_mm, made.axes, ()), tuple(made.pieces), spec.motion_mm)

    @classmethod
    def load(cls, folder: Path, seed: int) -> Self:
        """Read the scan of a seed, or make and keep it."""
        path = folder / f"scan-{seed:06d}.npz"
        if not path.exists():
            cls.make(seed).write(path)
        with np.load(path) as stored:
            spacing, origin = ((float(a), float(b), float(c)) for a, b, c in (stored["spacing"], stored["origin"]))
            volume = Volume(_undone(stored["hu"]), spacing, origin, stored["axes"], ())
            points = np.split(stored["points"], np.cumsum(stored["counts"])[:-1]) if len(stored["counts"]) else []
            pieces = tuple(
                Piece(str(kind), line, float(radius))
                for kind, line, radius in zip(stored["kinds"], points, stored["radii"], strict=True)
            )
            return cls(volume, pieces, float(stored["motion"]))

    def write(self, path: Path) -> None:
        """Write under a temporary name, then rename it."""
        partial = path.with_suffix(".part.npz")
        np.savez_compressed(
            partial,
            hu=np.diff(self.volume.hu, axis=2, prepend=np.int16(0)),
            spacing=self.volume.spacing_mm,
            origin=self.volume.origin_mm,
            axes=self.volume.axes,
            kinds=np.array([piece.kind for piece in self.pieces], "U32"),
            counts=np.array([len(piece.line_mm) for piece in self.pieces], dtype=np.intp),
            points=np.concatenate([np.zeros((0, 3)), *(piece.line_mm for piece in self.pieces)]),
            radii=np.array([piece.radius_mm for piece in self.pieces]),
            motion=self.motion_mm,
        )
        partial.replace(path)


def _undone(steps: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.asarray(np.cumsum(steps, axis=2, dtype=np.int16))


def _draw(seed: int) -> PhantomSpec:
    """A hard patient; a long or thin scan is cut to what a calcium scan covers."""
    spec = draw(seed, _MATRIX, hard=True)
    return dataclasses.replace(
        spec,
        above_left_main_mm=min(spec.above_left_main_mm, _ABOVE_MM),
        below_left_main_mm=min(spec.below_left_main_mm, _BELOW_MM),
        slice_thickness_mm=max(spec.slice_thickness_mm, _THINNEST_MM),
        slice_increment_mm=max(spec.slice_increment_mm, _THINNEST_MM),
    )
