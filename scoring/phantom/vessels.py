"""Where the great vessels, the appendages and the oesophagus run beside the heart."""

from __future__ import annotations

from scoring.phantom.shapes import Curve
from scoring.phantom.thorax import Thorax


def lay_vessels(thorax: Thorax) -> dict[str, Curve]:
    """Lay the centrelines with radii of a thorax, by name; mm in its frame."""

    def through(knots: list[tuple[float, float, float]], radii: list[float]) -> Curve:
        return Curve.through([thorax.heart_point(k) for k in knots], [r * thorax.vessel_scale for r in radii])

    dz = thorax.carina_z - 50
    return {
        "outflow": through([(22, -42, -38), (24, -42, -18), (25, -39, 0), (25, -30, 12)], [22, 19, 16, 14.5]),
        "trunk": through([(25, -39, 0), (25, -28, 14), (25, -14, 25), (27, -4, 30)], [15, 14.5, 14, 13]),
        "right branch": through(
            [(25, -6, 25), (8, 7, 24), (-14, 10, 22), (-38, 10, 19), (-62, 14, 14)], [12, 10, 9.5, 9, 5]
        ),
        "left branch": through(
            [(26, -6, 29), (36, 8, 35), (48, 20, 35), (62, 28, 26), (70, 34, 10)], [12, 10.5, 10, 8, 5]
        ),
        "left appendage": through([(38, 17, -4), (47, 10, 2), (51, -2, 5), (50, -13, 5)], [13, 13, 11, 7]),
        "right appendage": through([(-24, -22, -14), (-24, -36, 0), (-13, -44, 8), (-3, -47, 9)], [14, 11, 8, 5]),
        "upper cava": Curve.through(
            [(-28, -3, -26), (-31, -3, -5), (-34, -2, 20), (-35, -1, 45), (-32, -6, 90)], [10, 10, 9.5, 9, 9]
        ),
        "lower cava": through([(-14, 4, -62), (-13, 12, -78), (-14, 18, -96), (-14, 22, -150)], [13, 13, 13, 12.5]),
        "vein 0": through([(-18, 24, -2), (-40, 26, 4), (-66, 22, 10)], [8, 6.5, 4]),
        "vein 1": through([(-14, 30, -20), (-40, 38, -26), (-66, 50, -36)], [8, 6.5, 4]),
        "vein 2": through([(44, 24, -4), (62, 22, 2), (84, 10, 10)], [8, 6, 4]),
        "vein 3": through([(42, 30, -18), (62, 40, -24), (84, 54, -36)], [8, 6, 4]),
        "oesophagus": Curve.through(
            [
                (6, 44, 90),
                (9, 44, 50 + dz),
                (10, 47, 10),
                (10, 47, -30),
                (13, 43, -70),
                (24, 30, -110),
                (34, 22, -160),
            ],
            7.0,
        ),
    }
