"""The courses are laid into patients whose courses are the published ones, moved and turned by a known amount."""

import numpy as np
import pytest

from scoring.judgement.naming.atlas import Sighting, fit_atlas
from scoring.judgement.naming.courses import LANDMARKS, read_courses
from scoring.result import ARTERIES

COURSES = read_courses()
PLACE = np.array([40.0, -120.0, 1350.0])
UP = np.array([0.0, 0.0, 10.0])
UNSURE = np.full((4, 1), 0.25)


def turned(points, degrees):
    """About the vertical: positive from the left to the back."""
    a = np.radians(degrees)
    return np.asarray(points) @ np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]).T


def sightings(degrees=0.0, shift=(0, 0, 0), spread=3.0, names=tuple(LANDMARKS)):
    return {name: Sighting(turned(LANDMARKS[name][0], degrees) + PLACE + shift, spread) for name in names}


NOWHERE = np.zeros((0, 3))


def fit(seen, places=NOWHERE, shares=None, weights=None):
    shares = np.tile(UNSURE, len(places)) if shares is None else shares
    return fit_atlas(COURSES, seen, places, shares, np.ones(len(places)) if weights is None else weights)


def on_courses(degrees=0.0, shift=(0, 0, 0), every=2):
    return turned(COURSES.points, degrees)[::every] + PLACE + shift, COURSES.owner[::every]


def test_without_lesions_it_follows_the_landmarks():
    found = fit(sightings(shift=(3, -4, 5)))
    assert found.points == pytest.approx(COURSES.points + PLACE + (3, -4, 5), abs=0.5)


def test_a_landmark_that_is_sure_counts_more():
    """Two ostia contradict: the one with the smaller spread wins."""
    seen = sightings(names=("left_main_ostium", "aortic_valve"))
    moved = {**seen, "aortic_valve": Sighting(seen["aortic_valve"].place_mm + UP, 30.0)}
    assert fit(moved).points[:, 2].mean() - fit(seen).points[:, 2].mean() < 1
    sure = {**seen, "aortic_valve": Sighting(seen["aortic_valve"].place_mm + UP, 1.0)}
    assert fit(sure).points[:, 2].mean() - fit(seen).points[:, 2].mean() > 1.5


def test_lesions_move_it_where_the_landmarks_are_wrong():
    """The nets see every landmark 8 mm too high; 40 lesions lie on the true courses."""
    places, _ = on_courses()
    wrong = sightings(shift=(0, 0, 8), spread=8.0)
    before = np.abs(fit(wrong).points - COURSES.points - PLACE).max()
    after = np.abs(fit(wrong, places).points - COURSES.points - PLACE).max()
    assert before > 7.5
    assert after < 3


def test_a_turned_heart_is_followed():
    """15 degrees about the vertical: the far end of the LAD lies 19 mm off the mean."""
    places, owner = on_courses(15.0)
    off = np.linalg.norm(turned(COURSES.points, 15.0) - COURSES.points, axis=1).max()
    found = fit(sightings(15.0), places)
    assert off > 15
    assert np.linalg.norm(found.points - turned(COURSES.points, 15.0) - PLACE, axis=1).max() < off / 3
    assert (found.share(places).argmax(axis=0) == owner).mean() > 0.9
    # directions turn with it
    assert (found.ways * turned(COURSES.ways, 15.0)).sum(axis=1).min() > np.cos(np.radians(8))


def test_one_artery_is_moved_by_itself():
    """The right artery 12 mm below the mean, all else in place."""
    right = COURSES.owner == ARTERIES.index("RCA")
    places = COURSES.points + PLACE
    places[right] += (0, 0, -12)
    found = fit(sightings(), places[::2])
    off = (found.points - COURSES.points - PLACE)[:, 2]
    assert off[right].mean() < -6
    assert abs(off[~right].mean()) < 2.5


@pytest.mark.parametrize("artery", ARTERIES)
def test_a_point_on_a_course_belongs_to_it(artery):
    places, owner = on_courses(every=1)
    share = fit(sightings(), places).share(places)
    own = share[ARTERIES.index(artery), owner == ARTERIES.index(artery)]
    assert np.median(own) > 0.6
    assert share.sum(axis=0) == pytest.approx(np.ones(len(places)))


def test_far_from_every_course_it_says_nothing():
    share = fit(sightings()).share(PLACE + np.array([[200.0, 200, 200]]))
    assert share[:, 0] == pytest.approx([0.25] * 4, abs=0.01)


def test_what_is_known_less_well_is_spread_more():
    places, _ = on_courses()
    alone, helped = fit(sightings(spread=10.0)), fit(sightings(spread=10.0), places)
    assert (alone.spread > helped.spread).all()


def test_many_lesions_count_as_a_dozen():
    places, _ = on_courses(shift=(5, 0, 0))
    once = fit(sightings(), places, weights=np.full(len(places), 1.0))
    tenfold = fit(sightings(), places, weights=np.full(len(places), 10.0))
    assert once.points == pytest.approx(tenfold.points)


class TestDirection:
    """Where LAD and LCX part, a plaque forward lies in the one, a plaque to the back in the other."""

    place = PLACE + np.array([[16.0, 0.0, 0.0]])
    forward, back = np.array([[0.7, -0.7, 0.0]]), np.array([[0.6, 0.8, 0.0]])

    def test_decides(self):
        atlas = fit(sightings())
        lad, lcx = ARTERIES.index("LAD"), ARTERIES.index("LCX")
        ahead, behind = atlas.match(self.place, self.forward), atlas.match(self.place, self.back)
        assert ahead[lad] > 1.3 * ahead[lcx]
        assert behind[lcx] > 1.3 * behind[lad]

    def test_has_no_sense(self):
        atlas = fit(sightings())
        assert atlas.match(self.place, -self.forward) == pytest.approx(atlas.match(self.place, self.forward))

    def test_of_no_clear_direction_says_nothing(self):
        assert fit(sightings()).match(self.place, np.zeros((1, 3))) == pytest.approx(np.ones((4, 1)))
