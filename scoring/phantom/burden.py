"""Coronary calcium burden of a population: how much calcium each patient has, and in which pieces."""

from __future__ import annotations

from typing import Final

import numpy as np

from scoring.phantom.shapes import stream
from scoring.phantom.spec import Calcification
from scoring.result import Artery

CLASSES: Final = (
    (0.25, 0.0, 0.0),
    (0.30, 1.0, 100.0),
    (0.25, 101.0, 400.0),
    (0.14, 401.0, 1000.0),
    (0.06, 1000.0, 3000.0),
)
"""Share of the patients, and the range in which their Agatston score is to lie."""

_ARTERIES: Final[dict[Artery, tuple[float, float, float, float]]] = {
    "LM": (0.08, 18.0, 0.0, 0.95),
    "LAD": (0.46, 105.0, 0.03, 0.75),
    "LCX": (0.18, 80.0, 0.06, 0.8),
    "RCA": (0.28, 150.0, 0.03, 0.85),
}
"""Share of the calcifications, usual length of the artery in mm, and the part of it (0 to 1) in which they lie."""

_OSTIAL: Final[dict[Artery, float]] = {"LM": 0.4, "RCA": 0.12}
"""Share of the calcifications that begin in the aortic wall, at the ostium."""

_MOST: Final = 40
_GAP_MM: Final = 1.0
_TRIES: Final = 12
_CONFLUENT: Final = 0.35
_CONFLUENT_FROM: Final = 250.0
_FAINT: Final = 0.15
_THINNEST_MM: Final = 1.0
_THICKEST_MM: Final = 5.0
"""A thicker calcification would reach beyond the fat into the lung, so larger ones are longer."""

_LONGEST_MM: Final = 55.0
_FACTOR: Final = 3.2e-4
_OF_VOLUME: Final = 1.055
_OF_DENSITY: Final = 1.29


def expected_agatston(lesion: Calcification) -> float:
    """Estimate the Agatston score of a rod on 3 mm slices: within a factor of 1.5 for two out of three rods.

    The estimate is a power law of volume and density, fitted to rods in all arteries.
    """
    d, length = lesion.diameter_mm, lesion.length_mm or lesion.diameter_mm
    volume = np.pi * (d**2 / 4 * (length - d) + d**3 / 6)
    return float(_FACTOR * volume**_OF_VOLUME * lesion.hu**_OF_DENSITY)


def calcifications(seed: int) -> tuple[Calcification, ...]:
    """Draw the calcifications of a patient, none to many; those in one artery do not overlap."""
    rng = stream(seed, "population calcium")
    row = int(rng.choice(len(CLASSES), p=[c[0] for c in CLASSES]))
    _, low, high = CLASSES[row]
    if high == 0:
        return ()
    target = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    count = int(np.clip(round(float(np.exp(rng.normal(0.42 * np.log(target) - 0.5, 0.5)))), 1, _MOST))
    shares = target * rng.dirichlet(np.full(count, 0.9))
    patient = _Patient(rng)
    if target > _CONFLUENT_FROM and rng.random() < _CONFLUENT:
        shares *= 0.5
        patient.add(target * rng.uniform(0.3, 0.7), "LAD", long=True)
    for share in shares:
        patient.add(float(share))
    # Calcium that does not fit in one piece is added in smaller ones.
    for _ in range(_TRIES):
        missing = target - patient.agatston
        if missing < 0.15 * target or len(patient.calcifications) >= _MOST:
            break
        patient.add(missing * rng.uniform(0.4, 1.0))
    return tuple(patient.calcifications)


class _Patient:
    """The calcifications placed in a patient so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.calcifications: list[Calcification] = []
        self.agatston = 0.0
        self._occupied: dict[Artery, list[tuple[float, float]]] = {a: [] for a in _ARTERIES}

    def add(self, agatston: float, artery: Artery | None = None, *, long: bool = False) -> None:
        """Add a calcification with about this Agatston score, in an artery that has room for it."""
        rng, names = self.rng, tuple(_ARTERIES)
        median = 250.0 if rng.random() < _FAINT else 600.0
        density = float(np.round(np.clip(np.exp(rng.normal(np.log(median), 0.35)), 180, 1500)))
        volume = (agatston / _FACTOR / density**_OF_DENSITY) ** (1 / _OF_VOLUME)
        thick = float(np.clip(np.exp(rng.normal(np.log(2.0 if long else 2.5), 0.35)), _THINNEST_MM, _THICKEST_MM))
        shares = [_ARTERIES[a][0] for a in names]
        for attempt in range(2 * _TRIES):
            # If the chosen artery is full, another one is tried in the end.
            if attempt % _TRIES == 0:
                chosen = artery or names[int(rng.choice(len(names), p=shares))]
            longest = _LONGEST_MM if long else float(rng.uniform(4, 24))
            diameter, length = _fit_rod(volume, thick, min(longest, 0.6 * _ARTERIES[chosen][1]))
            place = self._find_place(chosen, length)
            if place is not None:
                lesion = Calcification(chosen, round(place, 4), diameter, density, length)
                self.calcifications.append(lesion)
                self.agatston += expected_agatston(lesion)
                return

    def _find_place(self, artery: Artery, length: float) -> float | None:
        """Find a free place for a piece, more often near the origin; None if there is none."""
        _, usual, first, last = _ARTERIES[artery]
        half = length / 2
        place = first + (last - first) * float(self.rng.beta(1.1, 2.0))
        if self.rng.random() < _OSTIAL.get(artery, 0.0):
            place = 0.0
        # The whole piece lies on the artery, as in `place_calcification`.
        middle = float(np.clip(place * usual, half, usual - half))
        ends = middle - half - _GAP_MM, middle + half + _GAP_MM
        if any(ends[0] < b and a < ends[1] for a, b in self._occupied[artery]):
            return None
        self._occupied[artery].append(ends)
        return 0.0 if place == 0 else middle / usual


def _fit_rod(volume: float, thick: float, longest: float) -> tuple[float, float]:
    """Return diameter and length (mm) of a rod of this volume, of the given thickness if its length allows."""
    ball = float((6 * volume / np.pi) ** (1 / 3))
    diameter = float(np.clip(min(thick, ball), _THINNEST_MM, _THICKEST_MM))
    while True:
        length = diameter + (volume - np.pi * diameter**3 / 6) / (np.pi * diameter**2 / 4)
        if length <= longest or diameter >= _THICKEST_MM:
            diameter = round(diameter, 2)
            return diameter, round(float(np.clip(length, diameter, max(longest, diameter))), 2)
        diameter = min(diameter + 0.2, _THICKEST_MM)
