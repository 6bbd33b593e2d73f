"""Measures of the coronary anatomy, and its comparison with what is published."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.thorax import Thorax

from .conftest import BENCH


@pytest.fixture(scope="module")
def room():
    """Import a module of bench/coronaries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield lambda name: importlib.import_module(f"coronaries.{name}")


@pytest.fixture(scope="module")
def geometry(room):
    return room("geometry")


@pytest.fixture
def corner():
    """30 mm forward, then 40 mm to the left."""
    return np.array([[0.0, 0, 0], [0, -30, 0], [40, -30, 0]])


@pytest.mark.parametrize(
    ("way", "azimuth", "elevation"),
    [
        ((0, -1, 0), 0, 0),
        ((1, 0, 0), 90, 0),
        ((-1, 0, 0), -90, 0),
        ((1, -1, 0), 45, 0),
        ((1, 1, 0), 135, 0),
        ((0, -1, 1), 0, 45),
        ((3, -4, -5), 36.8699, -45),
    ],
)
def test_a_direction_is_told_from_straight_forward_to_the_left_and_to_the_head(geometry, way, azimuth, elevation):
    assert geometry.azimuth(way) == pytest.approx(azimuth, abs=1e-4)
    assert geometry.elevation(way) == pytest.approx(elevation, abs=1e-4)


def test_the_frontal_plane_ignores_depth(geometry):
    assert geometry.frontal_descent((1, -7, -1)) == pytest.approx(45)
    assert geometry.frontal_descent((1, 7, 0)) == pytest.approx(0)


def test_an_angle_lies_between_0_and_180(geometry):
    assert geometry.angle((2, 0, 0), (0, 0, 5)) == pytest.approx(90)
    assert geometry.angle((1, 0, 0), (-3, 0, 0)) == pytest.approx(180)
    assert geometry.angle((1, 1, 0), (1, 0, 0)) == pytest.approx(45)


def test_a_point_along_a_course(geometry, corner):
    assert geometry.length(corner) == pytest.approx(70)
    assert geometry.at_length(corner, 20) == pytest.approx([0, -20, 0])
    assert geometry.at_length(corner, 45) == pytest.approx([15, -30, 0])
    assert geometry.at_length(corner, 70) == pytest.approx([40, -30, 0])
    assert np.isnan(geometry.at_length(corner, 70.1)).all()


def test_a_point_as_the_crow_flies(geometry, corner):
    # 30 forward and 16 to the left are 34 away, though 46 along the course
    assert geometry.at_distance(corner, 34) == pytest.approx([16, -30, 0])
    assert geometry.at_distance(corner, 10) == pytest.approx([0, -10, 0])
    assert geometry.at_distance(corner, 50) == pytest.approx([40, -30, 0])
    assert np.isnan(geometry.at_distance(corner, 50.1)).all()
    assert geometry.at_distance(corner, 25, origin=(0, -20, 0)) == pytest.approx([math.sqrt(525), -30, 0])


def test_a_course_every_millimetre(geometry, corner):
    points = geometry.resample(corner, until=32)
    assert points.shape == (33, 3)
    assert points[[0, 30, 32]] == pytest.approx(np.array([[0, 0, 0], [0, -30, 0], [2, -30, 0]]))
    assert len(geometry.resample(corner)) == 71


def test_a_plane_fitted_to_points_that_lie_one_millimetre_off_it(geometry):
    # corners of a square in the plane of left and head, alternately 1 mm in front of it and behind it
    square = np.array([[10.0, 1, 10], [10, -1, -10], [-10, 1, -10], [-10, -1, 10]]) + np.array([1, 2, 3])
    plane = geometry.Plane.fit(square, towards=(0, -50, 0))
    assert plane.centre == pytest.approx([1, 2, 3])
    assert plane.normal == pytest.approx([0, -1, 0])
    assert plane.rms == pytest.approx(1)
    assert geometry.Plane.fit(square, towards=(0, 50, 0)).normal == pytest.approx([0, 1, 0])


def test_sources_that_disagree_widen_the_spread(room):
    reference = room("reference")
    pooled = reference.pool([reference.Spread(10, 3), reference.Spread(18, 3)])
    assert (pooled.mean, pooled.sd) == (14, 5)  # 3 within, 4 between
    pooled = reference.pool([reference.Spread(10, 3), reference.Spread(18, math.nan)])
    assert (pooled.mean, pooled.sd) == (14, 5)
    assert math.isnan(reference.pool([reference.Spread(10, math.nan)]).sd)


def _measure(room, values, mean, sd, unit="mm"):
    entry = {"name": "x", "unit": unit, "parts": [""], "point": True, "values": [{"source": "s", "mean": [mean]}]}
    entry["values"][0]["sd"] = [sd]
    reference = room("reference").Reference.parse(entry)
    (gap,) = room("gap").compare([reference], [{"x": (v,)} for v in values])
    return gap


@pytest.mark.parametrize(
    ("values", "unit", "mean_kept", "spread_kept"),
    [
        ((13, 15, 17), "mm", True, True),  # 5 mm off, SD 2
        ((13.1, 15.1, 17.1), "mm", False, True),
        ((18, 20, 22), "deg", True, True),
        ((18.1, 20.1, 22.1), "deg", False, True),
        ((7, 10, 13), "mm", True, True),  # 1.5 times the spread
        ((6.9, 10, 13.1), "mm", True, False),
        ((8.55, 10, 11.45), "mm", True, True),  # 0.725 times
        ((8.7, 10, 11.3), "mm", True, False),
    ],
)
def test_limits(room, values, unit, mean_kept, spread_kept):
    gap = _measure(room, values, 10, 2, unit)
    assert gap.keeps_mean is mean_kept
    assert gap.keeps_spread is spread_kept


def test_what_is_not_published_keeps_and_breaks_nothing(room):
    gap = _measure(room, (1, 2, 3), math.nan, math.nan)
    assert gap.keeps_mean is None
    assert gap.keeps_spread is None
    share = _measure(room, (0, 100, 100, 100), 28.3, math.nan, "%")
    assert share.generator.mean == 75
    assert math.isnan(share.generator.sd)
    assert share.keeps_mean is None


def test_an_artery_that_ends_early_is_not_counted(room):
    gap = _measure(room, (8, math.nan, 12), 10, 2)
    assert (gap.count, gap.generator.mean) == (2, 10)


def test_angles_behind_the_patient_are_averaged_across_180_degrees(room):
    gap = _measure(room, (-178, 178), 170, 10, "deg")
    assert gap.generator.mean == pytest.approx(180)
    assert gap.generator.sd == pytest.approx(math.sqrt(8))


def test_the_share_of_patients_beyond_the_generator(room):
    # same mean and spread: the tails of a normal distribution beyond 2 SD; a mean 2 SD off: half, and the far tail
    assert _measure(room, (8, 10, 12), 10, 2).share_beyond(2) == pytest.approx(0.0455, abs=1e-4)
    assert _measure(room, (12, 14, 16), 10, 2).share_beyond(2) == pytest.approx(0.5, abs=1e-4)


def test_each_source_is_explained(room):
    references, sources = room("reference").read()
    assert {name for item in references for name in item.sources} == set(sources)
    assert len({item.name for item in references}) == len(references)


def test_a_body_is_measured_from_its_left_main_ostium_as_it_lies_on_the_table(room):
    thorax = Thorax.draw(3, 1.0)
    tree = CoronaryTree.grow(thorax)
    measured = room("body").Body.of(thorax, tree).measure()
    across = tree.arteries["RCA"].points[0] - tree.arteries["LM"].points[0]
    c, s = math.cos(thorax.pose.turn), math.sin(thorax.pose.turn)
    expected = (c * across[0] - s * across[1], s * across[0] + c * across[1], across[2])
    assert measured["RCA ostium"] == pytest.approx(expected)
    assert {item.name for item in room("reference").read()[0]} == set(measured)


_SIX = "six patients have a spread of 3 mm, where directions of both sources spread by 7 to 11 degrees"
_SOURCES = "the two sources of the circumflex lie 20 to 36 degrees apart: no one course keeps both"
_PLANE = "six patients; the long axis of 59 spreads by 7.8 degrees, and another source has the groove's centre at -9 mm"
_HEIGHTS = "the surface of the heart narrows what is drawn: at 0.6 to 0.7 of the real spread"
NOT_KEPT = {
    ("angle LM-LCX", "", "spread"): "six patients spread by 10 degrees, the angle between LAD and LCX of 300 by 23",
    ("LAD 25", "left", "spread"): _SIX,
    ("LAD 50", "left", "spread"): _SIX,
    ("LAD 75", "left", "spread"): _SIX,
    ("LAD 100", "left", "spread"): _SIX,
    ("LCX 10", "left", "spread"): _SIX,
    ("LAD 50", "head", "spread"): _HEIGHTS,
    ("LAD 100", "posterior", "spread"): _HEIGHTS,
    ("LAD direction at 101", "elevation", "spread"): _HEIGHTS,
    ("RCA 50", "head", "spread"): _HEIGHTS,
    ("RCA 75", "head", "spread"): _HEIGHTS,
    ("RCA 100", "posterior", "spread"): _HEIGHTS,
    ("LCX 40", "head", "spread"): _SOURCES,
    ("LCX 50", "left", "mean"): _SOURCES,
    ("LCX 50", "left", "spread"): _SOURCES,
    ("LCX 50", "head", "mean"): _SOURCES,
    ("LCX direction at 31", "elevation", "spread"): _SOURCES,
    ("LCX direction at 48", "azimuth", "spread"): _SOURCES,
    ("LCX direction at 48", "elevation", "spread"): _SOURCES,
    ("groove, normal", "elevation", "spread"): _PLANE,
    ("groove, centre", "left", "mean"): _PLANE,
    ("groove, centre", "head", "spread"): _PLANE,
    ("groove's centre to LAD 100", "off normal", "spread"): _PLANE,
}
"""What the generator does not keep, and why; everything else it must keep."""


def test_the_bodies_of_the_training_keep_the_published_means_and_spreads(room):
    references, _ = room("reference").read()
    body = room("body").Body
    gaps = room("gap").compare(references, [body.draw(seed).measure() for seed in range(100)])
    lost = {(gap.reference.name, gap.part, "mean") for gap in gaps if gap.keeps_mean is False}
    lost |= {(gap.reference.name, gap.part, "spread") for gap in gaps if gap.keeps_spread is False}
    assert lost <= set(NOT_KEPT), lost - set(NOT_KEPT)
    assert room("gap").share_of_coordinates_beyond(gaps, 2) < 0.12


def test_a_groove_is_not_told_from_a_short_right_artery(room):
    body = room("body").Body.draw(0)
    short = dataclasses.replace(body, rca=body.rca[: len(body.rca) // 3])
    assert not math.isnan(body.measure()["groove, off its plane"][0])
    assert math.isnan(short.measure()["groove, off its plane"][0])


def test_the_command_gives_the_same_table_for_a_seed():
    command = [sys.executable, "bench/anatomy.py", "--bodies", "2", "--seed", "5"]

    def run(*options):
        return subprocess.run([*command, *options], cwd=BENCH.parent, capture_output=True, text=True, check=True).stdout

    first = json.loads(run("--json"))
    assert first == json.loads(run("--json"))
    assert (first["bodies"], first["seed"]) == (2, 5)
    ostium = next(m for m in first["measures"] if (m["measure"], m["part"]) == ("RCA ostium", "head"))
    assert ostium["real"] == {"mean": -16.7, "sd": 5.6}
    assert ostium["difference"] == pytest.approx(ostium["generator"]["mean"] + 16.7)
    assert "| RCA ostium, mm |" in run()
