"""The published courses: where they begin, how long they are, and what share of calcium they hold."""

import numpy as np
import pytest

from scoring.judgement.naming.courses import LANDMARKS, LESIONS, read_courses
from scoring.result import ARTERIES


@pytest.fixture(scope="module")
def courses():
    return read_courses()


def of(courses, artery):
    return courses.points[courses.owner == ARTERIES.index(artery)]


@pytest.mark.parametrize(
    ("artery", "start"),
    [("LM", "left_main_ostium"), ("LAD", "left_main_bifurcation"), ("LCX", "left_main_bifurcation")],
)
def test_begins_at_its_landmark(courses, artery, start):
    assert np.linalg.norm(of(courses, artery)[0] - LANDMARKS[start][0]) < 3.0


def test_the_right_artery_begins_at_its_ostium(courses):
    assert np.linalg.norm(of(courses, "RCA")[0] - LANDMARKS["right_ostium"][0]) < 3.0


def test_the_left_anterior_descending_runs_as_published(courses):
    """Azimuth 44 (7) degrees as the crow flies at 53 mm from the left main (Dodge; CT), 30 to 37 at 101."""
    line = of(courses, "LAD")
    for distance, low, high in ((53, 37, 51), (90, 25, 49)):
        left, posterior, _ = line[np.linalg.norm(line, axis=1).searchsorted(distance)]
        assert low < np.degrees(np.arctan2(left, -posterior)) < high


def test_the_circumflex_turns_back_and_the_right_artery_to_the_right(courses):
    assert of(courses, "LCX")[:, 1].max() > 20
    assert of(courses, "RCA")[:, 0].min() < LANDMARKS["right_ostium"][0][0] - 20
    assert of(courses, "RCA")[:, 2].min() < -65


def test_shares_are_those_of_calcifications(courses):
    each = [courses.share[courses.owner == number].sum() for number in range(4)]
    assert each == pytest.approx([LESIONS[name] for name in ARTERIES])
    assert sum(each) == pytest.approx(1)


def test_ways_are_unit_vectors_along_the_course(courses):
    assert np.linalg.norm(courses.ways, axis=1) == pytest.approx(np.ones(len(courses.ways)))
    first = courses.points[courses.owner == ARTERIES.index("LAD")]
    step = (first[1] - first[0]) / np.linalg.norm(first[1] - first[0])
    assert courses.ways[courses.owner == ARTERIES.index("LAD")][0] == pytest.approx(step)
