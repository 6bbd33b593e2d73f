"""The crop that the heart's net sees, its landmarks and the courses of the arteries."""

from types import SimpleNamespace

import numpy as np
import pytest

from scoring.anatomy.heart import heart

SPACING, SHAPE = (2.5, 2.0, 2.0), (120, 150, 150)
ROOM_MM = (300.0, 300.0, 300.0)
MIDDLE = (150.0, 140.0, 150.0)


@pytest.fixture
def seen(make, monkeypatch):
    """The heart that is found in a box of the chest (first and last cube along z, y, x), and the net's image."""

    def find(box=((20, 45), (20, 50), (20, 50)), shapes=None, places=None, spots=None, shape=SHAPE):
        image = make.cubes((75, 75, 75), 4.0, start=(1.0, 2.0, 3.0))
        mask = np.zeros(image.size, bool)
        mask[tuple(slice(first, last + 1) for first, last in box)] = True
        net = make.Net(shapes or {}, places, spots, step_mm=3.0, classes=make.heart_classes)
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


def gauss(place, sd=5.0, height=1.0):
    """Shares that are Gaussian round a place."""
    z, y, x = place

    def share(at_z, at_y, at_x):
        return height * np.exp(-((at_z - z) ** 2 + (at_y - y) ** 2 + (at_x - x) ** 2) / (2 * sd**2))

    return share


@pytest.mark.parametrize("place", [MIDDLE, (131.7, 120.2, 171.9), (170.0, 166.1, 118.8)])
def test_a_landmark_between_cubes(seen, place):
    found, _ = seen(spots={"apex": gauss(place)})
    mark = found.landmarks["apex"]
    assert mark.place_mm == pytest.approx(place, abs=0.6)
    # As far as 16.5 mm on either side of the peak's cube, whose centre may be 1.5 mm off: erf(15 / 5 / sqrt(2)) cubed.
    assert mark.certainty > 0.99
    assert mark.spread_mm == pytest.approx(5.0, abs=0.1)


def test_a_second_place_takes_certainty(seen):
    one, other = gauss(MIDDLE), gauss((110.0, 100.0, 110.0), height=1 / 3)

    def both(*at):
        return one(*at) + other(*at)

    found, _ = seen(spots={"apex": both})
    assert found.landmarks["apex"].place_mm == pytest.approx(MIDDLE, abs=0.6)
    assert found.landmarks["apex"].certainty == pytest.approx(0.75, abs=0.01)
    # A quarter lies 40 mm off along each axis.
    assert found.landmarks["apex"].spread_mm == pytest.approx(np.sqrt(5**2 + 0.25 * 40**2), abs=0.5)


def test_no_idea_has_no_certainty(seen):
    found, image = seen(spots={"apex": lambda z, y, x: 1 + 0 * (z + y + x)})
    # Of all places, a corner of at most 11 cubes a side is looked at.
    assert found.landmarks["apex"].certainty <= 11**3 / np.prod(image.size) + 1e-9


def test_a_landmark_at_the_border(seen):
    place = (0.0, 70.0, 70.0)
    found, image = seen(((0, 20), (10, 30), (10, 30)), spots={"apex": gauss(place)})
    first, _ = ends(image)
    mark = found.landmarks["apex"].place_mm
    assert mark[1:] == pytest.approx(place[1:], abs=0.6)
    assert first[0] <= mark[0] < 6


def test_likelihoods_of_places_between_cubes(seen):
    """Probabilities that rise by 1 % a mm along one axis each."""
    places = {
        "none": lambda z, y, x: (z - 100) / 100 + 0 * (y + x),
        "RCA": lambda z, y, x: (x - 100) / 100 + 0 * (z + y),
    }
    found, _ = seen(places=places)
    assert found.places == ("none", "RCA")
    points = np.array([MIDDLE, (131.7, 120.2, 171.9)])
    assert found.likelihood(points) == pytest.approx(np.array([[0.5, 0.317], [0.5, 0.719]]), abs=1e-5)
    assert found.disagreement(points) == pytest.approx([0, 0])


def test_disagreement_between_cubes(seen):
    places = {"none": lambda z, y, x: 1 + 0 * (z + y + x), "doubt": lambda z, y, x: (y - 100) / 100 + 0 * (z + x)}
    found, _ = seen(places=places)
    assert found.disagreement(np.array([MIDDLE, (131.7, 120.2, 171.9)])) == pytest.approx([0.4, 0.202], abs=1e-5)


def test_chambers_and_aorta(make, seen):
    shapes = {"left ventricle": make.ball(*MIDDLE, 20.0), "ascending": make.rod(100.0, 120.0, 12.0)}
    shapes["right atrium"] = make.ball(150.0, 140.0, 110.0, 15.0)
    shapes["fat"] = make.ball(150.0, 180.0, 200.0, 12.0)
    found, _ = seen(shapes=shapes)
    places = np.array([MIDDLE, (150.0, 140.0, 110.0), (150.0, 180.0, 200.0), (150.0, 100.0, 120.0)])
    assert found.chambers.at(places) == pytest.approx([-20, -15, np.hypot(50, 40) - 20, np.hypot(40, 10) - 15], abs=4.1)
    assert found.aorta.at(places)[[0, 3]] == pytest.approx([np.hypot(40, 30) - 12, -12], abs=4.1)
    assert found.region("right atrium").at(places)[:2] == pytest.approx([25, -15], abs=4.1)
    assert found.region("left atrium").at(places) == pytest.approx([100] * 4)
