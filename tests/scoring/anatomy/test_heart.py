"""The crop that the heart's net sees, its landmarks and the courses of the arteries."""

from types import SimpleNamespace

import numpy as np
import pytest

from scoring.anatomy.heart import ON_COURSE_MM, heart
from scoring.result import ARTERIES

SPACING, SHAPE = (2.5, 2.0, 2.0), (120, 150, 150)
ROOM_MM = (300.0, 300.0, 300.0)
MIDDLE = (150.0, 140.0, 150.0)


@pytest.fixture
def seen(make, monkeypatch):
    """The heart that is found in a box of the chest (first and last cube along z, y, x), and the net's image."""

    def find(box=((20, 45), (20, 50), (20, 50)), shapes=None, fields=None, shape=SHAPE):
        image = make.cubes((75, 75, 75), 4.0, start=(1.0, 2.0, 3.0))
        mask = np.zeros(image.size, bool)
        mask[tuple(slice(first, last + 1) for first, last in box)] = True
        net = make.Net(shapes or {}, fields or {}, step_mm=3.0, classes=make.heart_classes)
        monkeypatch.setattr("scoring.anatomy.heart.network", lambda kind: {"heart": net}[kind])
        grid = make.grid(np.zeros(shape), SPACING)
        return heart(grid, SimpleNamespace(heart_mask=mask, cubes=image)), net.image

    return find


def ends(image):
    """First and last edge of what the net was shown, mm."""
    first = image.start_mm - 1.5
    return first, first + 3.0 * np.array(image.size)


@pytest.mark.parametrize(
    ("cubes", "below", "above", "size"),
    [
        # 25 cubes from the first to the last centre are 100 mm.
        ((20, 45), 12.0, 34.0, 146.0),
        ((20, 35), 12.0, 34.0, 126.0),  # 106 mm would be less than the net has learnt
        ((12, 62), 12.0, 34.0, 186.0),  # 246 mm more
    ],
)
def test_the_height_of_the_crop(seen, cubes, below, above, size):
    _, image = seen((cubes, (20, 50), (20, 50)))
    low, high = cubes[0] * 4 + 1 - below, cubes[1] * 4 + 1 + above
    first, last = ends(image)
    assert first[0] == pytest.approx((low + high) / 2 - size / 2, abs=1e-6)
    assert last[0] == pytest.approx((low + high) / 2 + size / 2, abs=1.5)


@pytest.mark.parametrize(("cubes", "size"), [((25, 55), 150.0), ((35, 45), 150.0), ((12, 62), None)])
def test_the_sides_of_the_crop(seen, cubes, size):
    _, image = seen(((20, 45), cubes, cubes))
    first, last = ends(image)
    for axis, most in ((1, 192.0), (2, 198.0)):
        middle = (cubes[0] + cubes[1]) / 2 * 4 + (2, 3)[axis - 1]
        assert first[axis] == pytest.approx(middle - (size or most) / 2, abs=1e-6)
        assert last[axis] == pytest.approx(middle + (size or most) / 2, abs=1.5)


def test_the_crop_ends_where_the_image_ends(seen):
    _, image = seen(((0, 20), (0, 20), (0, 20)), shape=(40, 50, 55))
    first, last = ends(image)
    assert first == pytest.approx([-1.25, -1, -1])
    assert last == pytest.approx([98.75, 99, 109], abs=1.5)


def gauss(place, sd=5.0, height=0.0):
    """Logits whose shares are Gaussian round a place."""
    z, y, x = place
    return lambda at_z, at_y, at_x: height - ((at_z - z) ** 2 + (at_y - y) ** 2 + (at_x - x) ** 2) / (2 * sd**2)


@pytest.mark.parametrize("place", [MIDDLE, (131.7, 120.2, 171.9), (170.0, 166.1, 118.8)])
def test_a_landmark_between_cubes(seen, place):
    found, _ = seen(fields={"apex": gauss(place)})
    mark = found.landmarks["apex"]
    assert mark.place_mm == pytest.approx(place, abs=0.6)
    assert mark.certainty > 0.95


def test_a_second_place_takes_certainty(seen):
    one, other = gauss(MIDDLE), gauss((110.0, 100.0, 110.0), height=-np.log(3))

    def both(*at):
        return np.logaddexp(one(*at), other(*at))

    found, _ = seen(fields={"apex": both})
    assert found.landmarks["apex"].place_mm == pytest.approx(MIDDLE, abs=0.6)
    assert found.landmarks["apex"].certainty == pytest.approx(0.75, abs=0.03)


def test_no_idea_has_no_certainty(seen):
    found, image = seen(fields={"apex": lambda z, y, x: 0 * (z + y + x)})
    # Of all places, a corner of at most 11 cubes a side is looked at.
    assert found.landmarks["apex"].certainty <= 11**3 / np.prod(image.size) + 1e-9


def test_a_landmark_at_the_border(seen):
    place = (0.0, 70.0, 70.0)
    found, image = seen(((0, 20), (10, 30), (10, 30)), fields={"apex": gauss(place)})
    first, _ = ends(image)
    mark = found.landmarks["apex"].place_mm
    assert mark[1:] == pytest.approx(place[1:], abs=0.6)
    assert first[0] <= mark[0] < 6


def test_arteries_are_no_landmarks(seen):
    fields = {name: gauss(MIDDLE) for name in (*ARTERIES, "apex", "aortic_valve")}
    found, _ = seen(fields=fields)
    assert found.landmarks.keys() == {"apex", "aortic_valve"}


def rescaled(raw_mm):
    """Distances (4, n) as the net sees them: 0 where the usual ones on the course are, 20 at its reach of 20."""
    usual = np.array([[ON_COURSE_MM[name]] for name in ARTERIES])
    return (raw_mm - usual) * 20 / (20 - usual)


def test_distances_to_the_courses(seen):
    """Each artery a plane x = const: its field falls from 1 to 0 within 20 mm."""
    courses = {"LM": 120.0, "LAD": 140.0, "LCX": 160.0, "RCA": 200.0}
    fields = {
        name: lambda z, y, x, at=at: np.clip(1 - np.abs(x - at) / 20, 0, 1) + 0 * (y + z)
        for name, at in courses.items()
    }
    found, _ = seen(fields=fields)
    at_x = np.array([110.0, 135.0, 152.0])
    points = np.column_stack([np.full(3, 150.0), np.full(3, 140.0), at_x])
    away = found.course_mm(points)
    expected = rescaled(np.minimum(np.abs(at_x - np.array(list(courses.values()))[:, None]), 20))
    # A quarter of a cube where the slope turns, in the scale of each artery.
    assert (np.abs(away - expected) <= rescaled(0.75) - rescaled(0.0) + 1e-4).all()
    # Between cubes the slope is exact where it does not turn.
    assert away[0, 0] == pytest.approx(expected[0, 0], abs=2e-3)
    assert away[3] == pytest.approx([20, 20, 20])


@pytest.mark.parametrize(
    ("share", "distance_mm"),
    [(0.0, 20.0), (0.5, 10.0), (1.0, 0.0)],
)
def test_from_nothing_seen_to_what_is_usual_on_the_course(seen, share, distance_mm):
    """The field as a share of what it usually is on the course of each artery."""
    fields = {name: lambda z, y, x, top=1 - ON_COURSE_MM[name] / 20: share * top + 0 * (z + y + x) for name in ARTERIES}
    found, _ = seen(fields=fields)
    assert found.course_mm(np.array([MIDDLE]))[:, 0] == pytest.approx([distance_mm] * 4, abs=1e-4)


def test_surer_than_usual_is_less_than_nothing(seen):
    """Where the field is 1: -20 x usual / (20 - usual)."""
    found, _ = seen(fields={name: lambda z, y, x: 1.0 + 0 * (z + y + x) for name in ARTERIES})
    away = found.course_mm(np.array([MIDDLE]))
    assert away == pytest.approx(rescaled(np.zeros((4, 1))), abs=1e-4)
    assert (away < -4).all()


def test_a_field_beyond_its_range(seen):
    fields = {name: lambda z, y, x: 1.3 + 0 * (z + y + x) for name in ARTERIES[:2]}
    fields |= {name: lambda z, y, x: -0.2 + 0 * (z + y + x) for name in ARTERIES[2:]}
    found, _ = seen(fields=fields)
    expected = rescaled(np.array([[0.0], [0.0], [20.0], [20.0]]))
    assert expected[2:, 0].tolist() == [20, 20]
    assert found.course_mm(np.array([MIDDLE])) == pytest.approx(expected, abs=1e-4)


def test_chambers_and_aorta(make, seen):
    shapes = {"left ventricle": make.ball(*MIDDLE, 20.0), "ascending": make.rod(100.0, 120.0, 12.0)}
    shapes["right atrium"] = make.ball(150.0, 140.0, 110.0, 15.0)
    shapes["fat"] = make.ball(150.0, 180.0, 200.0, 12.0)
    found, _ = seen(shapes=shapes)
    places = np.array([MIDDLE, (150.0, 140.0, 110.0), (150.0, 180.0, 200.0), (150.0, 100.0, 120.0)])
    assert found.chambers.at(places) == pytest.approx([-20, -15, np.hypot(50, 40) - 20, np.hypot(40, 10) - 15], abs=4.1)
    assert found.aorta.at(places)[[0, 3]] == pytest.approx([np.hypot(40, 30) - 12, -12], abs=4.1)
