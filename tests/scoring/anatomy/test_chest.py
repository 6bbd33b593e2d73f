"""What the chest's net says becomes bodies, or a refusal."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy.chest import chest, skeleton

SPACING = (2.5, 1.5, 1.5)
SHAPE = (60, 160, 200)
HEART, HEART_MM = (75.0, 105.0, 150.0), 40.0
SPINE = (185.0, 150.0)


def usual(make, **changes):
    """Two lungs of 382 mL, a heart of 268 mL, a spine of 152 mL, by name."""
    left, right = make.ball(75.0, 120.0, 60.0, 45.0), make.ball(75.0, 120.0, 240.0, 45.0)
    shapes = {
        "lung": lambda *at: left(*at) | right(*at),
        "heart": make.ball(*HEART, HEART_MM),
        "spine": make.rod(*SPINE, 18.0),
    }
    return shapes | changes


@pytest.fixture
def seen(make, monkeypatch):
    """Finds the chest that a net is made to see."""

    def find(shapes, hu=0, net=None):
        net = net or make.Net(shapes)
        monkeypatch.setattr("scoring.anatomy.chest.network", lambda kind: {"chest": net}[kind])
        return chest(make.grid(np.broadcast_to(hu, SHAPE), SPACING))

    return find


def sphere_ml(radius):
    return 4 / 3 * np.pi * radius**3 / 1000


def test_volumes(make, seen):
    found = seen(usual(make))
    assert found.heart_ml == pytest.approx(sphere_ml(HEART_MM), rel=0.03)
    assert found.lungs_ml == pytest.approx(2 * sphere_ml(45), rel=0.03)
    assert found.certainty == pytest.approx(1)


def test_distances_round_the_heart(make, seen):
    vessel, airway = make.rod(85.0, 85.0, 14.0, low=100), make.ball(110.0, 150.0, 150.0, 8.0)
    found = seen(usual(make, ascending=vessel, airway=airway))
    places = np.array([HEART, (75.0, 105.0, 200.0), (75.0, 160.0, 150.0), (130.0, 85.0, 85.0)])
    assert found.heart.at(places)[:3] == pytest.approx([-40, 10, 15], abs=5.5)
    assert found.body.at(places)[3] == pytest.approx(-14, abs=3)
    assert found.heart.at(places)[3] > 20
    assert found.bone.at(places)[2] == pytest.approx(185 - 18 - 160, abs=3.5)
    assert found.airway.at(places)[0] == pytest.approx(np.hypot(35, 45) - 8, abs=3.5)


def test_what_is_not_there_is_far_away(make, seen):
    found = seen(usual(make))
    assert (found.airway.at(np.array([HEART, (75.0, 140.0, 170.0)])) == 100).all()


@pytest.mark.parametrize("radius", [31.0, 35.0])
def test_little_lung_is_no_chest(make, seen, radius):
    left, right = make.ball(75.0, 120.0, 60.0, radius), make.ball(75.0, 120.0, 240.0, radius)
    shapes = usual(make, lung=lambda *at: left(*at) | right(*at))
    if 2 * sphere_ml(radius) > 300:
        assert seen(shapes).lungs_ml == pytest.approx(2 * sphere_ml(radius), rel=0.03)
    else:
        refused(seen, shapes, "not_a_chest", "lungs_ml")


def test_gas_in_many_places_is_no_lung(make, seen):
    # 72 balls of 9 mL.
    places = [(33.0 * k + 20, y, 33.0 * i + 15) for k in range(4) for y in (30.0, 205.0) for i in range(9)]
    balls = [make.ball(*place, 13.0) for place in places]
    shapes = usual(make, lung=lambda *at: np.any([ball(*at) for ball in balls], axis=0))
    refused(seen, shapes, "not_a_chest", "lungs_ml")


@pytest.mark.parametrize(("radius", "fits"), [(33.0, False), (37.0, True)])
def test_half_a_heart(make, seen, radius, fits):
    shapes = usual(make, heart=make.ball(*HEART, radius))
    if fits:
        assert seen(shapes).heart_ml == pytest.approx(sphere_ml(radius), rel=0.04)
    else:
        refused(seen, shapes, "heart_not_found", "heart_ml")


def test_two_halves_are_no_heart(make, seen):
    one, other = make.ball(75.0, 105.0, 100.0, 32.0), make.ball(75.0, 105.0, 190.0, 32.0)
    refused(seen, usual(make, heart=lambda *at: one(*at) | other(*at)), "heart_not_found", "heart_ml")


def test_a_spine_that_the_image_should_show(make, seen):
    """The heart ends at 145 mm, the image at 239."""
    # 23 mL instead of 152; ribs do not make up for it.
    shapes = usual(make, spine=make.rod(*SPINE, 7.0), rib=make.rod(30.0, 150.0, 14.0))
    refused(seen, shapes, "no_spine")
    assert seen(usual(make, spine=make.rod(*SPINE, 12.0))).heart_ml > 180


@pytest.mark.parametrize(("radius", "fits"), [(14.0, True), (5.0, False)])
def test_bone_of_any_kind_where_the_image_ends_behind_the_heart(make, seen, radius, fits):
    """The heart ends at 197 mm, 42 mm before the image does; a sternum of 92 mL, or of 12."""
    shapes = usual(make, heart=make.ball(75.0, 157.0, 150.0, 40.0), rib=make.rod(30.0, 150.0, radius))
    del shapes["spine"]
    if fits:
        assert seen(shapes).heart_ml > 180
    else:
        refused(seen, shapes, "no_spine", "bone_ml")


def refused(seen, shapes, code, *values):
    with pytest.raises(NotScorable) as raised:
        seen(shapes)
    assert raised.value.code == code
    assert set(values) <= raised.value.values.keys()


@pytest.mark.parametrize(
    ("away", "radius", "kept"),
    [
        (2.0, 8.0, False),  # 2 mL at the heart: calcium
        (20.0, 8.0, True),  # as much, far from it: the tip of a rib
        (2.0, 13.0, True),  # 9 mL at the heart: bone
    ],
)
def test_small_bone_at_the_heart_is_calcium(make, seen, away, radius, kept):
    z, y, x = HEART
    middle = (z, y - HEART_MM - away - radius, x)
    found = seen(usual(make, rib=make.ball(*middle, radius)))
    assert (found.bone.at(np.array([middle]))[0] < 0) == kept
    spine = found.bone.at(np.array([(z, 175.0, x)]))[0]
    assert spine < 0
    assert found.bone_mask.any(axis=(1, 2)).all()


def test_bone_within_the_heart_is_calcium(make, seen):
    spot = make.ball(*HEART, 8.0)
    found = seen(usual(make, rib=spot))
    assert found.bone.at(np.array([HEART]))[0] > 40


def test_certainty_is_the_share_of_the_heart(make, seen):
    class Doubt(make.Net):
        def find(self, image):
            found = super().find(image)
            return replace(found, share=found.share * np.float32(0.7))

    assert seen(None, net=Doubt(usual(make))).certainty == pytest.approx(0.7, abs=1e-6)


def test_the_box_holds_the_heart_with_a_margin(make, seen):
    found = seen(usual(make))
    low = found.cubes.position(np.array([side.start for side in found.box]))
    high = found.cubes.position(np.array([side.stop - 1 for side in found.box]))
    ends = found.cubes.position(np.array(found.cubes.size) - 1)
    assert low == pytest.approx(np.maximum(np.array(HEART) - 40 - 36, found.cubes.start_mm), abs=4)
    assert high == pytest.approx(np.minimum(np.array(HEART) + 40 + 36, ends), abs=4)


class TestExtent:
    """The net is shown the body with 24 mm of what lies round it."""

    @staticmethod
    def body():
        hu = np.full(SHAPE, -1000)
        hu[:, 40:120, 60:140] = 0
        return hu

    def shown(self, make, seen, hu):
        shapes = usual(make)
        net = make.Net(shapes)
        # What lies outside of the extent is missed; that is not asked for here.
        with contextlib.suppress(NotScorable):
            seen(None, hu, net)
        first = net.image.start_mm - 2
        return first, first + np.array(net.image.size) * 4.0

    def test_of_a_body_in_air(self, make, seen):
        first, last = self.shown(make, seen, self.body())
        assert first[0] == pytest.approx(-1.25)
        assert first[1:] == pytest.approx([60 - 24, 90 - 24])
        assert last[1:] == pytest.approx([119 * 1.5 + 24, 139 * 1.5 + 24], abs=2.01)
        assert last[0] == pytest.approx(60 * 2.5 - 1.25, abs=2.01)

    def test_a_thin_table_beside_the_body_does_not_count(self, make, seen):
        hu = self.body()
        hu[:, 118:120, 5:195] = -100
        first, last = self.shown(make, seen, hu)
        assert first[2] == pytest.approx(90 - 24)
        assert last[2] == pytest.approx(139 * 1.5 + 24, abs=2.01)

    def test_of_air_alone_is_all(self, make, seen):
        first, last = self.shown(make, seen, np.full(SHAPE, -1000))
        assert first == pytest.approx([-1.25, -0.75, -0.75])
        assert last == pytest.approx(np.array(SHAPE) * SPACING + first, abs=2.01)


def test_skeleton_is_what_is_bright_where_bone_is(make, seen):
    hu = np.zeros(SHAPE)
    hu[:, 120:150, 90:110] = 300  # y from 180 to 224, x from 135 to 164: within the spine and beyond it
    hu[:, 60:70, 90:110] = 900  # calcium in the heart
    found = seen(usual(make), hu)
    mask = skeleton(make.grid(hu, SPACING), found)
    assert mask[30, round(190 / 1.5), round(150 / 1.5)]
    assert not mask[:, :119].any()
    assert not mask[hu < 110].any()
    # No more than one cube beyond what the net calls bone.
    at_y, at_x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    away = np.hypot(at_y * 1.5 - SPINE[0], at_x * 1.5 - SPINE[1]) - 18
    assert not mask[:, away > 8].any()
    assert mask[:, (away < -3) & (hu[0] > 110)].all()
