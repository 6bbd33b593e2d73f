"""A population of patients and scans: one random spec for each seed."""

from __future__ import annotations

from typing import Final

import numpy as np

from scoring.phantom.shapes import stream
from scoring.phantom.spec import Calcification, DistractorKind, PatientPosition, PhantomSpec
from scoring.result import Artery

WITHOUT_CALCIUM: Final = 0.25
"""Share of the patients whose coronary arteries are clean."""

_ARTERIES: Final[dict[Artery, tuple[float, float, float, float]]] = {
    "LM": (0.08, 18.0, 0.4, 0.95),
    "LAD": (0.46, 105.0, 0.03, 0.75),
    "LCX": (0.18, 80.0, 0.06, 0.8),
    "RCA": (0.28, 150.0, 0.05, 0.85),
}
"""Share of the calcifications, usual length in mm, and where on it (0 to 1) they lie."""

_KINDS: Final[dict[DistractorKind, float]] = {
    "aortic plaques": 0.45,
    "aortic root": 0.25,
    "aortic valve": 0.25,
    "mitral annulus": 0.15,
    "pericardium": 0.08,
    "lymph node": 0.2,
    "hilar lymph node": 0.25,
    "granuloma": 0.25,
    "bronchial wall": 0.25,
    "surgical clip": 0.05,
    "pacemaker lead": 0.04,
}
"""How many of the patients have a kind of distractor."""

_THICKNESS_MM: Final = (0.6, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 3.0, 3.0, 3.0, 5.0)
_STEP: Final = (1.0, 1.0, 1.0, 0.8, 0.7, 0.5)
_KVP: Final = (80, 100, 110, 120, 120, 120, 120, 120, 130, 140)
_MATRIX: Final = (512, 512, 512, 768)
_POSITIONS: Final[tuple[PatientPosition, ...]] = ("HFS", "HFS", "HFS", "HFS", "HFS", "HFS", "FFS", "FFS", "HFP", "FFP")
_MOST: Final = 40
_GAP_MM: Final = 1.0
_THICKEST_MM: Final = 5.0
"""A thicker one would reach out of the fat into the lung; larger calcifications are longer ones."""


def draw(seed: int, matrix: int | None = None) -> PhantomSpec:
    """The patient and the scan of a seed: always the same.

    `matrix` replaces the drawn one (512 or 768). Raises ValueError for a seed or a matrix that no phantom has.
    """
    rng = stream(seed, "population")
    variation = float(rng.uniform(0.3, 1.0))
    thickness = float(rng.choice(_THICKNESS_MM))
    view = float(np.round(rng.uniform(180, 260) if rng.random() < 0.6 else rng.uniform(260, 400)))
    drawn = int(rng.choice(_MATRIX))
    return PhantomSpec(
        seed=seed,
        slice_thickness_mm=thickness,
        slice_increment_mm=round(thickness * float(rng.choice(_STEP)), 3),
        slice_profile="triangular" if rng.random() < 0.3 else "rectangular",
        z_offset_mm=float(np.round(rng.uniform(-3, 3), 1)),
        above_left_main_mm=float(np.round(rng.uniform(32, 58))),
        below_left_main_mm=float(np.round(rng.uniform(112, 135))),
        matrix=matrix or drawn,
        field_of_view_mm=view,
        noise_sd_hu=float(np.round(np.exp(rng.uniform(np.log(6), np.log(30))), 1)),
        kvp=int(rng.choice(_KVP)),
        kernel_fwhm_mm=float(np.round(rng.uniform(0.75, 1.4), 2)),
        calcifications=_calcifications(seed),
        distractors=_distractors(seed),
        variation=variation,
        patient_position=_POSITIONS[int(rng.integers(len(_POSITIONS)))],
    )


def _distractors(seed: int) -> tuple[DistractorKind, ...]:
    rng = stream(seed, "population distractors")
    return tuple(kind for kind, share in _KINDS.items() if rng.random() < share)


def _calcifications(seed: int) -> tuple[Calcification, ...]:
    """None to many calcifications; those of one artery do not overlap."""
    rng = stream(seed, "population calcium")
    if rng.random() < WITHOUT_CALCIUM:
        return ()
    wanted = int(np.clip(round(float(np.exp(rng.normal(1.4, 0.9)))), 1, _MOST))
    names = tuple(_ARTERIES)
    shares = [_ARTERIES[a][0] for a in names]
    taken: dict[Artery, list[tuple[float, float]]] = {a: [] for a in names}
    made = []
    for _ in range(3 * wanted):
        artery = names[int(rng.choice(len(names), p=shares))]
        _, long, first, last = _ARTERIES[artery]
        diameter = float(np.clip(np.exp(rng.normal(np.log(2.5), 0.35)), 1.5, _THICKEST_MM))
        length = float(np.clip(diameter * np.exp(rng.exponential(0.5)), diameter, max(diameter, min(25.0, long / 2))))
        # Calcium is densest near the origin of an artery.
        place = first + (last - first) * float(rng.beta(1.1, 2.0))
        ends = place * long - length / 2 - _GAP_MM, place * long + length / 2 + _GAP_MM
        if any(ends[0] < b and a < ends[1] for a, b in taken[artery]):
            continue
        taken[artery].append(ends)
        density = float(np.clip(np.exp(rng.normal(np.log(560), 0.5)), 200, 1500))
        made.append(Calcification(artery, round(place, 4), round(diameter, 2), round(density), round(length, 2)))
        if len(made) == wanted:
            break
    return tuple(made)
