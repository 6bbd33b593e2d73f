"""Coronary calcium burden of a population: how much calcium each patient has, in which arteries and pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.phantom.shapes import stream
from scoring.phantom.spec import Calcification
from scoring.result import ARTERIES, Artery

RANGES: Final = ((0.0, 0.0), (1.0, 100.0), (101.0, 400.0), (401.0, 1000.0), (1000.0, 3000.0))
"""The ranges in which the Agatston score of a patient is to lie."""

SHARES: Final = (0.25, 0.30, 0.25, 0.14, 0.06)
"""Share of the patients in each range."""

HARD: Final = (0.08, 0.30, 0.32, 0.20, 0.10)
"""The same for patients that are to teach or to test: most of them have calcium."""

_FEW: Final = ((10.0, (0.8, 0.16)), (100.0, (0.56, 0.3)), (400.0, (0.24, 0.38)), (np.inf, (0.06, 0.24)))
"""Up to which Agatston score one or two of LAD, RCA and LCX are calcified, in which share of the patients."""

_FIRST: Final[dict[Artery, float]] = {"LAD": 0.66, "RCA": 0.22, "LCX": 0.12}
"""Which of them is calcified first: of one vessel alone, the LAD is it in 54 to 61 %, the RCA in 17 to 25 %
(Schmermund, Am J Cardiol 2000;86:127; Alluri, J Cardiovasc Comput Tomogr 2015;9:337)."""

_LEFT_MAIN: Final = (0.09, 0.19, 0.40)
_LEFT_MAIN_ALONE: Final = 0.06
"""Share of the patients with one, two and three calcified vessels whose left main is calcified too: 22 % of all
(CAC Consortium, Atherosclerosis 2019). In some patients with one vessel, the left main is the only one."""

_AMOUNT: Final[dict[Artery, float]] = {"LM": 0.45, "LAD": 0.56, "LCX": 0.12, "RCA": 0.39}
"""How much calcium a calcified artery has relative to the others: LAD, RCA and LCX together hold about 58, 32 and 10 %
(PARADIGM, Eur Heart J Cardiovasc Imaging 2021;22:322), and 6 % of the calcifications on the left are in the left main
(Am J Cardiol 2021, 1,478 patients), which is too short for more."""


@dataclass(frozen=True, slots=True)
class _Vessel:
    """Usual length in mm, the part (0 to 1) in which calcium lies, how it falls off, and shares of its calcifications.

    `early` is 0 if calcium is as frequent at the end as at the origin. `ostial` is the share that begins in the aortic
    wall, `branch` the share that lies in a side branch.
    """

    length: float
    first: float
    last: float
    early: float
    ostial: float
    branch: float

    @property
    def longest(self) -> float:
        """Length of the longest piece, mm: a short vessel may be calcified as a whole."""
        return max(0.6 * self.length, min(self.length, 10.0))


_VESSELS: Final[dict[Artery, _Vessel]] = {
    "LM": _Vessel(10.5, 0.0, 1.0, 0.0, 0.2, 0.0),
    "LAD": _Vessel(125.0, 0.02, 0.75, 1.0, 0.0, 0.14),
    "LCX": _Vessel(75.0, 0.04, 0.85, 0.8, 0.0, 0.2),
    "RCA": _Vessel(150.0, 0.03, 0.88, 0.3, 0.06, 0.1),
}

_BRANCHES: Final = 3
_BRANCH: Final = _Vessel(45.0, 0.0, 0.7, 0.8, 0.0, 0.0)
"""No survey says how much calcium lies in side branches; readers count it with the artery."""

_MOST: Final = 40
_GAP_MM: Final = 1.0
_TRIES: Final = 12
_CONFLUENT: Final = 0.35
_CONFLUENT_FROM: Final = 250.0
_DIVISION: Final = 0.6
_PARALLEL: Final = 0.2
"""Share of the patients with calcified LM and LAD or LCX in whom a plate passes over the division, and of those with
more than `_PARALLEL_FROM` Agatston in whom LAD and LCX have plates side by side."""

_PARALLEL_FROM: Final = 100.0
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


def calcifications(seed: int, *, hard: bool = False) -> tuple[Calcification, ...]:
    """Draw the calcifications of a patient, none to many; those in one vessel do not overlap.

    `hard` draws fewer patients without calcium, and more of it in side branches and over the left main's division.
    """
    rng = stream(seed, "population calcium")
    low, high = RANGES[int(rng.choice(len(RANGES), p=HARD if hard else SHARES))]
    if high == 0:
        return ()
    target = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    count = int(np.clip(round(float(np.exp(rng.normal(0.42 * np.log(target) - 0.5, 0.5)))), 1, _MOST))
    shares = target * rng.dirichlet(np.full(count, 0.9))
    patient = _Patient(rng, _draw_amounts(rng, target), 1.8 if hard else 1.0)
    if target > _CONFLUENT_FROM and "LAD" in patient.amounts and rng.random() < _CONFLUENT:
        shares *= 0.5
        patient.add(target * rng.uniform(0.3, 0.7), "LAD", long=True)
    if len(patient.amounts) > 1 and "LM" in patient.amounts and rng.random() < _DIVISION * (1.2 if hard else 1.0):
        patient.add_over_division(float(shares.max()) * 0.5)
    if target > _PARALLEL_FROM and {"LAD", "LCX"} <= set(patient.amounts) and rng.random() < _PARALLEL:
        patient.add_side_by_side(float(shares.max()) * 0.5)
    for share in shares:
        if patient.agatston < target:
            patient.add(min(float(share), target - patient.agatston))
    # Calcium that does not fit in one piece is added in smaller ones.
    for _ in range(_TRIES):
        missing = target - patient.agatston
        if missing < 0.15 * target or len(patient.calcifications) >= _MOST:
            break
        patient.add(missing * rng.uniform(0.4, 1.0))
    return tuple(patient.calcifications)


def _draw_amounts(rng: np.random.Generator, target: float) -> dict[Artery, float]:
    """Draw which arteries are calcified, and the share of the calcium in each."""
    one, two = next(shares for most, shares in _FEW if target <= most)
    vessels = int(rng.choice(3, p=(one, two, 1 - one - two)))
    if vessels == 0 and rng.random() < _LEFT_MAIN_ALONE:
        return {"LM": 1.0}
    names = tuple(_FIRST)
    order = rng.choice(len(names), size=vessels + 1, replace=False, p=tuple(_FIRST.values()))
    found = {names[int(k)] for k in order} | ({"LM"} if rng.random() < _LEFT_MAIN[vessels] else set())
    calcified = [artery for artery in ARTERIES if artery in found]
    shares = rng.dirichlet([3.0 * _AMOUNT[artery] / max(_AMOUNT.values()) for artery in calcified])
    return {artery: float(share) for artery, share in zip(calcified, shares, strict=True)}


class _Patient:
    """The calcifications placed in a patient so far; `amounts` says how much calcium each artery is to have."""

    def __init__(self, rng: np.random.Generator, amounts: dict[Artery, float], branched: float) -> None:
        self.rng = rng
        self.amounts = amounts
        self.branched = branched
        self.calcifications: list[Calcification] = []
        self.agatston = 0.0
        self._occupied: dict[tuple[Artery, int], list[tuple[float, float]]] = {}

    def add(self, agatston: float, artery: Artery | None = None, *, long: bool = False) -> None:
        """Add a calcification with about this Agatston score, in an artery that has room for it."""
        rng, names = self.rng, tuple(self.amounts)
        density, thick = self._draw_density(), self._draw_thickness(2.0 if long else 2.5)
        volume = (agatston / _FACTOR / density**_OF_DENSITY) ** (1 / _OF_VOLUME)
        for attempt in range(2 * _TRIES):
            # If the chosen artery is full, another one is tried in the end.
            if attempt % _TRIES == 0:
                chosen = artery or names[int(rng.choice(len(names), p=tuple(self.amounts.values())))]
                in_branch = not long and rng.random() < _VESSELS[chosen].branch * self.branched
            branch = int(rng.integers(1, _BRANCHES + 1)) if in_branch else 0
            longest = _LONGEST_MM if long else float(rng.uniform(4, 24))
            vessel = _BRANCH if branch else _VESSELS[chosen]
            diameter, length = _fit_rod(volume, thick, min(longest, vessel.longest))
            place = self._find_place(chosen, branch, length)
            if place is not None:
                self._place(Calcification(chosen, round(place, 4), diameter, density, length, branch))
                return

    def add_over_division(self, agatston: float) -> None:
        """Add a plate that passes from the left main into the LAD or the LCX, as one piece in each of them."""
        into: Artery = "LAD" if "LAD" in self.amounts and self.rng.random() < 0.75 else "LCX"
        if into in self.amounts:
            self._add_beginnings(("LM", into), agatston, (1.0, 0.0))

    def add_side_by_side(self, agatston: float) -> None:
        """Add plates that run side by side in the first part of LAD and LCX."""
        place = float(self.rng.uniform(0.03, 0.08))
        self._add_beginnings(("LAD", "LCX"), agatston, (place, place * 1.5))

    def _add_beginnings(self, arteries: tuple[Artery, Artery], agatston: float, places: tuple[float, float]) -> None:
        density, thick = self._draw_density(), self._draw_thickness(2.0)
        volume = (agatston / 2 / _FACTOR / density**_OF_DENSITY) ** (1 / _OF_VOLUME)
        for artery, place in zip(arteries, places, strict=True):
            longest = float(self.rng.uniform(4, 24))
            diameter, length = _fit_rod(volume, thick, min(longest, _VESSELS[artery].longest))
            middle = self._middle(artery, place, length)
            self._occupied.setdefault((artery, 0), []).append((middle - length / 2, middle + length / 2))
            self._place(Calcification(artery, round(place, 4), diameter, density, length))

    def _place(self, lesion: Calcification) -> None:
        self.calcifications.append(lesion)
        self.agatston += expected_agatston(lesion)

    def _draw_density(self) -> float:
        median = 250.0 if self.rng.random() < _FAINT else 600.0
        return float(np.round(np.clip(np.exp(self.rng.normal(np.log(median), 0.35)), 180, 1500)))

    def _draw_thickness(self, usual: float) -> float:
        return float(np.clip(np.exp(self.rng.normal(np.log(usual), 0.35)), _THINNEST_MM, _THICKEST_MM))

    def _find_place(self, artery: Artery, branch: int, length: float) -> float | None:
        """Find a free place for a piece, more often near the origin; None if there is none."""
        vessel = _BRANCH if branch else _VESSELS[artery]
        # With one calcified vessel calcium is proximal, with three also distal.
        late = 1.2 + vessel.early * (0.2 + 3.0 / len(self.amounts))
        place = vessel.first + (vessel.last - vessel.first) * float(self.rng.beta(1.1, late))
        if self.rng.random() < vessel.ostial:
            place = 0.0
        middle = self._middle(artery, place, length, branch)
        ends = middle - length / 2 - _GAP_MM, middle + length / 2 + _GAP_MM
        occupied = self._occupied.setdefault((artery, branch), [])
        if any(ends[0] < b and a < ends[1] for a, b in occupied):
            return None
        occupied.append(ends)
        return 0.0 if place == 0 else middle / vessel.length

    def _middle(self, artery: Artery, place: float, length: float, branch: int = 0) -> float:
        """Return the middle (mm from the origin) of a piece that lies on the vessel as a whole."""
        usual = (_BRANCH if branch else _VESSELS[artery]).length
        return float(np.clip(place * usual, length / 2, usual - length / 2))


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
