"""The measures of one body of the generator, as the training draws it: geometry alone, nothing is painted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from coronaries.geometry import (
    Plane,
    Points,
    angle,
    at_distance,
    at_length,
    azimuth,
    elevation,
    frontal_descent,
    length,
    resample,
)
from scoring.phantom.anatomy import landmarks
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.shapes import stream
from scoring.phantom.thorax import Thorax
from training.body import draw_thorax

Values = tuple[float, ...]

_ALONG: Final = {"LAD": (10, 25, 50, 75, 100), "LCX": (10, 25, 40, 50), "RCA": (10, 25, 50, 75, 100, 125)}
_AWAY: Final = {"LAD": (23, 53, 101), "LCX": (31, 48), "RCA": (17,)}
_DIVISION_MM: Final = 5.0
"""The directions of LAD and LCX at the division are those of their first millimetres."""

_CIRCUMFLEX_MM: Final = 60.0
"""The reference's groove is that of the RCA to its end and of an LCX that can be followed for 50 to 60 mm."""

_HALF_RING_MM: Final = 100.0
"""A shorter RCA does not reach the underside of the heart: no plane can be told from it."""

_RAMUS_MM: Final = 6.0
"""A branch that leaves the LAD this near the bifurcation is a ramus."""


@dataclass(frozen=True, slots=True)
class Body:
    """Courses (n, 3) and landmarks (3,) of one body, mm, from the left main ostium in the frame of the scanner.

    `rca` begins at the right ostium; `sternum` is the front of the chest in the midline.
    """

    lm: Points
    lad: Points
    lcx: Points
    rca: Points
    branches: tuple[Points, ...]
    valve: Points
    apex: Points
    sternum: Points

    @classmethod
    def draw(cls, seed: int) -> Self:
        """Draw the body of a seed as the training of the heart net does, with its pose on the table."""
        thorax = draw_thorax(seed, stream(seed, "training heart"))
        return cls.of(thorax, CoronaryTree.grow(thorax))

    @classmethod
    def of(cls, thorax: Thorax, tree: CoronaryTree) -> Self:
        """Take the courses and landmarks of a thorax and its coronary tree."""
        origin = thorax.pose.to_scanner(tree.arteries["LM"].points[0])

        def place(points: Points) -> Points:
            return thorax.pose.to_scanner(points) - origin

        named = landmarks(thorax, tree)
        return cls(
            lm=place(tree.arteries["LM"].points),
            lad=place(tree.arteries["LAD"].points),
            lcx=place(tree.arteries["LCX"].points),
            rca=place(tree.arteries["RCA"].points),
            branches=tuple(place(curve.points) for _, curve in tree.branches),
            valve=place(named["aortic_valve"]),
            apex=place(named["apex"]),
            sternum=place(np.array([0.0, -thorax.front, 0.0])),
        )

    def measure(self) -> dict[str, Values]:
        """Return every measure by its name in `reference.toml`; NaN where an artery ends before the point."""
        return self._measure_root() | self._measure_division() | self._measure_courses() | self._measure_groove()

    def _measure_root(self) -> dict[str, Values]:
        axis = self.apex - self.valve
        return {
            "LM ostium from the midline": (-float(self.sternum[0]),),
            "RCA ostium": _values(self.rca[0]),
            "aortic valve": _values(self.valve),
            "valve to apex": (azimuth(axis), frontal_descent(axis)),
        }

    def _measure_division(self) -> dict[str, Values]:
        end = self.lm[-1]
        lm, lad, lcx = end, at_length(self.lad, _DIVISION_MM) - end, at_length(self.lcx, _DIVISION_MM) - end
        has_ramus = any(math.dist(branch[0], end) < _RAMUS_MM for branch in self.branches)
        return {
            "LM length": (length(self.lm),),
            "bifurcation": _values(end),
            "angle LAD-LCX": (angle(lad, lcx),),
            "angle LM-LAD": (angle(lm, lad),),
            "angle LM-LCX": (angle(lm, lcx),),
            "ramus": (100.0 * has_ramus,),
        }

    def _measure_courses(self) -> dict[str, Values]:
        rca = self.rca - self.rca[0]
        courses = {"LAD": self.lad, "LCX": self.lcx, "RCA": rca}
        whole = {"LAD": np.vstack([self.lm, self.lad[1:]]), "LCX": np.vstack([self.lm, self.lcx[1:]]), "RCA": rca}
        points = {f"{a} {mm}": _values(at_length(courses[a], mm)) for a, places in _ALONG.items() for mm in places}
        ways = {f"{a} direction at {mm}": at_distance(whole[a], mm) for a, places in _AWAY.items() for mm in places}
        return {
            **points,
            **{name: (azimuth(way), elevation(way)) for name, way in ways.items()},
            "RCA, extremes": (float(rca[:, 0].min()), float(rca[:, 2].min())),
            "LAD length": (length(self.lad),),
            "RCA length": (length(rca),),
        }

    def _measure_groove(self) -> dict[str, Values]:
        if length(self.rca) < _HALF_RING_MM:
            none = (math.nan,)
            return {
                "groove, normal": none * 2,
                "groove, centre": none * 3,
                "groove, off its plane": none,
                "groove's centre to LAD 100": none * 3,
            }
        plane = Plane.fit(np.vstack([resample(self.rca), resample(self.lcx, _CIRCUMFLEX_MM)]), towards=self.apex)
        to_lad = at_length(self.lad, 100) - plane.centre
        return {
            "groove, normal": (azimuth(plane.normal), elevation(plane.normal)),
            "groove, centre": _values(plane.centre),
            "groove, off its plane": (plane.rms,),
            "groove's centre to LAD 100": (azimuth(to_lad), elevation(to_lad), angle(to_lad, plane.normal)),
        }


def _values(point: Points) -> Values:
    return tuple(float(v) for v in point)
