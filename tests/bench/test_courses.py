"""What the nets say of outlines, on places made by hand."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from scoring.images.volume import Volume

from .conftest import BENCH

AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
PLACES = ("none", "LM", "LAD", "LCX", "RCA", "root", "annulus")


@pytest.fixture(scope="module")
def courses():
    """Import the benchmark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield importlib.import_module("courses")


def test_the_bright_pixels_inside_an_outline(courses):
    """A square of 5 x 5 pixels of 2 mm in the slice at 6 mm, of which a row of 4 is bright."""
    hu = np.full((4, 20, 20), 200, np.int16)
    hu[2] = 50
    hu[2, 7, 5:9] = 150
    hu[2, 15, 15] = 500
    volume = Volume(hu, (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXES, ())
    outline = np.array([(x * 2.0, y * 2.0, 6.0) for x, y in ((4, 5), (8, 5), (8, 9), (4, 9))])
    found = courses.bright_pixels(volume, outline)
    assert found.tolist() == [[6.0, 14.0, x] for x in (10.0, 12.0, 14.0, 16.0)]


@pytest.fixture
def heart():
    """Half of the cubes (3 mm) belong to the LAD by 0.6, half to none by 0.9."""
    place = np.zeros((7, 4, 4, 10), np.float32)
    place[0, ..., 5:], place[2, ..., 5:] = 0.9, 0.1
    place[2, ..., :5], place[3, ..., :5] = 0.6, 0.4
    cubes = SimpleNamespace(step_mm=3.0, index=lambda points: points / 3.0)
    columns = lambda points: np.rint(points[:, 2] / 3).astype(int)  # noqa: E731 - one line of a stand-in
    return SimpleNamespace(
        places=PLACES,
        found=SimpleNamespace(place=place, cubes=cubes),
        likelihood=lambda points: place[:, 0, 0, columns(points)],
        disagreement=lambda points: np.full(len(points), 0.25),
    )


def test_the_distance_to_the_own_course(courses, heart):
    away = courses.distance(heart, "LAD")
    assert away[0, 0].tolist() == [0, 0, 0, 0, 0, 3, 6, 9, 12, 15]
    assert (courses.distance(heart, "RCA") == 100).all()


def test_an_outline(courses, heart):
    points = np.array([[0.0, 0.0, x] for x in (6.0, 9.0, 24.0)])
    found = courses.look(heart, courses.distance(heart, "LAD"), points, {"artery": "LCX", "agatston": 12.5})
    assert (found.artery, found.agatston, found.named) == ("LCX", 12.5, "LAD")
    # Medians over two pixels on the course and one 12 mm off it.
    assert found.own == pytest.approx(0.4)
    assert found.any == pytest.approx(1.0)
    assert found.apart_mm == 0
    assert found.differ == 0.25


def test_a_row_weighs_by_agatston(courses):
    made = [
        courses.Outline("LAD", 30.0, 0.9, 1.0, 0.0, 0.1, "LAD"),
        courses.Outline("LCX", 10.0, 0.1, 1.0, 8.0, 0.3, "LAD"),
    ]
    assert courses.row("two", made)[:2] == ["two", "2"]
    assert courses.row("two", made)[-2:] == ["0.20", "75.0 %"]
