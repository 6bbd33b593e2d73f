"""Aortas, heart and spine that belong to one chest, and ones that do not: each refusal at its limit."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy import Track
from scoring.anatomy.agreement import check_aortas, check_front, check_heart, check_upright, check_without_descending
from scoring.anatomy.heart import Landmark
from scoring.anatomy.level import Level
from scoring.anatomy.region import Region


def straight(y, x, seen=(0.0, 200.0), top_mm=200.0):
    z_mm = np.arange(0.0, top_mm, 2.5)
    flat = np.ones(len(z_mm))
    return Track(z_mm, y * flat, x * flat, 14 * flat, flat, (z_mm >= seen[0]) & (z_mm <= seen[1]), 0 * flat)


def level():
    return Level(100.0, 2.0, ())


def mark(*place):
    return Landmark(np.array(place), 1.0, 9.0)


def refusal(function, *given):
    with pytest.raises(NotScorable) as raised:
        function(*given)
    return raised.value


class TestAortas:
    """Where the descending aorta lies to the ascending one: y towards the back, x towards the left."""

    @pytest.mark.parametrize(("forward", "right"), [(70, 40), (29, 40), (129, 40), (70, -29), (70, 89)])
    def test_usual(self, forward, right):
        check_aortas(straight(80.0 + forward, 100.0 + right), straight(80.0, 100.0), level())

    @pytest.mark.parametrize(("forward", "right"), [(27, 40), (-70, 40), (131, 40), (70, -31), (70, 91)])
    def test_not_where_they_must_be(self, forward, right):
        found = refusal(check_aortas, straight(80.0 + forward, 100.0 + right), straight(80.0, 100.0), level())
        assert found.code == "landmarks_disagree"
        assert (found.values["forward_mm"], found.values["right_mm"]) == (forward, right)

    def test_mirrored(self):
        """Turned as well, its left on its right: 40 mm the other way."""
        found = refusal(check_aortas, straight(150.0, 60.0), straight(80.0, 100.0), level())
        assert (found.code, found.values["variant"]) == ("landmarks_disagree", "aortas")

    def test_the_ascending_aorta_counts_just_above_the_left_main(self):
        z_mm = straight(0, 0).z_mm
        before = replace(straight(80.0, 100.0), y_mm=np.where((z_mm >= 100) & (z_mm <= 110), 80.0, 200.0))
        check_aortas(straight(150.0, 140.0), before, level())


class TestSameHeart:
    """What the chest's net calls the heart, a ball of 42 mm, and the chambers that the heart's net sees."""

    @staticmethod
    def seen(make, radius, shift=0.0, below=60.0, forward=45.0, left=50.0):
        wide, close = make.cubes((50, 50, 50), 4.0), make.cubes((56, 56, 56), 3.0, start=(15.0, 15.0, 15.0))
        mask = make.answer(wide, {"heart": make.ball(100.0, 100.0, 100.0, 42.0)}).mask("heart")
        ball = make.ball(100.0, 100.0, 100.0 + shift, radius)
        found = make.answer(close, {"right atrium": ball}, classes=make.heart_classes)
        around = SimpleNamespace(heart=Region.of(mask, wide), heart_mask=mask, cubes=wide)
        marks = {
            "left_main_ostium": mark(100.0, 100.0, 100.0),
            "apex": mark(100.0 - below, 100.0 - forward, 100.0 + left),
        }
        return around, SimpleNamespace(
            found=found, chambers=Region.of(found.mask("right atrium"), close), landmarks=marks
        )

    @pytest.mark.parametrize(("radius", "shift"), [(36.0, 0.0), (36.0, 8.0), (42.0, 0.0)])
    def test_at_one_place(self, make, radius, shift):
        check_heart(*self.seen(make, radius, shift))

    @pytest.mark.parametrize(
        ("radius", "shift", "share"),
        [
            (36.0, 60.0, None),
            # 16 mm of fat and slack round 15 mm of chambers hold (31 / 42)^3 of the heart.
            (15.0, 0.0, 0.40),
            (0.0, 0.0, 0.0),
        ],
    )
    def test_at_two_places(self, make, radius, shift, share):
        found = refusal(check_heart, *self.seen(make, radius, shift))
        assert found.code == "landmarks_disagree"
        seen = found.values["share_percent"] / 100
        assert seen < 0.6
        if share is not None:
            assert seen == pytest.approx(share, abs=0.08)

    # Beyond three standard deviations of the axis in the frontal plane and from above.
    @pytest.mark.parametrize(
        ("apex", "fits"),
        [
            ({}, True),
            ({"below": 0.0, "left": 80.0}, True),
            ({"below": -11.0}, False),
            ({"forward": -19.0}, True),
            ({"forward": -21.0}, False),
            ({"left": 1.0, "below": 90.0}, True),
            ({"left": -1.0}, False),
            ({"left": -50.0}, False),
        ],
    )
    def test_the_apex_lies_below_in_front_and_to_the_left(self, make, apex, fits):
        given = self.seen(make, 36.0, **apex)
        if fits:
            check_heart(*given)
        else:
            found = refusal(check_heart, *given)
            usual = {"below": 60.0, "forward": 45.0, "left": 50.0} | apex
            assert found.values == {"variant": "apex"} | {f"{name}_mm": usual[name] for name in usual}


class TestUpright:
    """A heart from cube 20 to 30, of 4 mm, its middle at cube 25; the vessels above and the abdomen below it."""

    @staticmethod
    def around(make, ascending=(31, 35), pulmonary=(31, 33), abdomen=(0, 15), turned=False):
        spans = {"heart": (20, 30), "ascending": ascending, "pulmonary": pulmonary, "abdomen": abdomen}
        beside = {"heart": (0, 19), "ascending": (20, 24), "pulmonary": (25, 29), "abdomen": (30, 39)}

        def slab(low, high, left, right):
            return lambda z, y, x: (z >= low * 4) & (z <= high * 4) & (x >= left * 4) & (x <= right * 4) & (y >= 0)

        image = make.cubes((50, 6, 40), 4.0)
        shapes = {name: slab(*span, *beside[name]) for name, span in spans.items() if span}
        found = make.answer(image, shapes)
        found = replace(found, label=found.label[::-1]) if turned else found
        return SimpleNamespace(found=found, heart_mask=found.mask("heart"), cubes=image)

    def test_usual(self, make):
        check_upright(self.around(make))

    # Middles 5.5 cubes, 22 mm, and 5 cubes, 20 mm, above the heart's.
    @pytest.mark.parametrize("vessel", ["ascending", "pulmonary"])
    @pytest.mark.parametrize(("span", "fits"), [((28, 33), True), ((28, 32), False), ((10, 20), False), (None, True)])
    def test_each_great_vessel_lies_above_where_it_is_seen(self, make, vessel, span, fits):
        self.check(self.around(make, **{vessel: span}), fits)

    # Middles 4 cubes, 16 mm, and 3.5 cubes, 14 mm, below.
    @pytest.mark.parametrize(("span", "fits"), [((18, 24), True), ((18, 25), False), ((30, 40), False), (None, True)])
    def test_the_abdomen_lies_below_where_there_is_one(self, make, span, fits):
        self.check(self.around(make, abdomen=span), fits)

    @pytest.mark.parametrize("abdomen", [(0, 15), None])
    def test_on_its_head(self, make, abdomen):
        self.check(self.around(make, abdomen=abdomen, turned=True), fits=False)

    def test_the_mean_height_counts_not_the_lowest_part(self, make):
        """An aorta that reaches down to the heart's middle: cubes 25 to 37 have their mean 6 cubes above it."""
        self.check(self.around(make, ascending=(25, 37)), fits=True)
        self.check(self.around(make, ascending=(20, 37)), fits=False)

    @pytest.mark.parametrize(("spine", "fits"), [((3, 5), True), ((0, 1), False), (None, True)])
    def test_the_spine_lies_behind_the_heart(self, make, spine, fits):
        around = self.around(make)
        mask = around.heart_mask & (np.arange(6) >= 2)[:, None] & (np.arange(6) < 4)[:, None]
        if spine:
            label = around.found.label.copy()
            label[30:45, spine[0] : spine[1] + 1, 7:12] = around.found.classes.index("spine")
            around = SimpleNamespace(found=replace(around.found, label=label), heart_mask=mask, cubes=around.cubes)
        if fits:
            check_upright(around)
        else:
            found = refusal(check_upright, around)
            assert (found.code, found.values) == ("landmarks_disagree", {"variant": "back_to_front"})

    @staticmethod
    def check(around, fits):
        if fits:
            check_upright(around)
        else:
            found = refusal(check_upright, around)
            assert found.code == "landmarks_disagree"
            assert found.values == {"variant": "upside_down"}


class TestSides:
    """A heart whose middle lies at 80 mm; the vessels above it."""

    @pytest.mark.parametrize(
        ("spine_at", "fits"), [(60.0, True), (98.0, True), (102.0, False), (130.0, False), (None, True)]
    )
    def test_the_heart_lies_no_further_right_than_the_spine(self, make, spine_at, fits):
        shapes = {"heart": make.ball(80.0, 80.0, 80.0, 40.0), "ascending": make.rod(20.0, 80.0, 12.0, low=124.0)}
        if spine_at is not None:
            shapes["spine"] = make.rod(150.0, spine_at, 18.0)
        found = make.answer(make.cubes((50, 50, 50), 4.0), shapes)
        around = SimpleNamespace(found=found, heart_mask=found.mask("heart"), cubes=found.cubes)
        if fits:
            check_upright(around)
        else:
            found = refusal(check_upright, around)
            assert found.values == {"variant": "right_sided", "right_mm": pytest.approx(spine_at - 80, abs=1)}

    @pytest.mark.parametrize(("spine_at", "fits"), [(88.0, True), (92.0, False)])
    def test_an_image_that_ends_within_the_spine_allows_less(self, make, spine_at, fits):
        shapes = {
            "heart": make.ball(80.0, 80.0, 80.0, 40.0),
            "ascending": make.rod(20.0, 80.0, 12.0, low=124.0),
            "spine": make.rod(130.0, spine_at, 10.0),
        }
        found = make.answer(make.cubes((50, 35, 50), 4.0), shapes)
        around = SimpleNamespace(found=found, heart_mask=found.mask("heart"), cubes=found.cubes)
        if fits:
            check_upright(around)
        else:
            assert refusal(check_upright, around).values["variant"] == "right_sided"


class TestFront:
    """A heart between 40 and 120 mm; bone in front of it and behind it, 80 mm of its height."""

    @staticmethod
    def given(make, front_cm2, behind_cm2, aside=0.0, thick=15):
        hu = np.zeros((60, 130, 130))
        for cm2, first in ((front_cm2, 5), (behind_cm2, 95)):
            wide = round(cm2 * 100 / (thick * 1.5) / 1.5)
            left = 53 - wide // 2 + round(aside / 1.5)
            hu[:, first : first + thick, left : left + wide] = 300
        found = make.answer(make.cubes((50, 50, 50), 4.0), {"heart": make.ball(80.0, 80.0, 80.0, 40.0)})
        return make.grid(hu), SimpleNamespace(heart_mask=found.mask("heart"), cubes=found.cubes)

    # 40 mL are 5 cm2.
    @pytest.mark.parametrize(
        ("front", "behind", "fits"),
        [(4, 12, True), (4, 0, True), (7, 0, False), (14, 4, False), (7, 12, True), (0, 0, True)],
    )
    def test_more_bone_than_a_breastbone(self, make, front, behind, fits):
        given = self.given(make, front, behind)
        if fits:
            check_front(*given)
        else:
            found = refusal(check_front, *given)
            assert (found.code, found.values) == ("landmarks_disagree", {"variant": "back_to_front"})

    def test_what_lies_beside_or_is_thin_does_not_count(self, make):
        check_front(*self.given(make, 10, 0, aside=90.0))
        check_front(*self.given(make, 8, 0, thick=2))


class TestWithoutDescending:
    """The ascending aorta lies at 80 and 100 mm; the last coarse voxels at 1.5 mm times one less than the size."""

    @staticmethod
    def around(make, spine_at):
        """A heart whose middle lies at 80 mm, in cubes of 4 mm."""
        shapes = {"heart": make.ball(80.0, 80.0, 80.0, 40.0)}
        if spine_at is not None:
            shapes["spine"] = make.rod(150.0, spine_at, 18.0)
        found = make.answer(make.cubes((50, 50, 50), 4.0), shapes)
        return SimpleNamespace(found=found, heart_mask=found.mask("heart"), cubes=found.cubes)

    @pytest.mark.parametrize(
        ("height", "width", "fits"), [(128, 115, False), (127, 115, True), (128, 114, True), (90, 90, True)]
    )
    def test_a_narrow_image_need_not_show_it(self, make, height, width, fits):
        self.check(make, np.zeros((50, height, width)), 80.0, fits)

    @pytest.mark.parametrize(
        ("spine_at", "fits"), [(60.0, True), (69.0, True), (72.0, False), (110.0, False), (None, False)]
    )
    def test_a_wide_one_shows_the_heart_on_the_left(self, make, spine_at, fits):
        self.check(make, np.zeros((50, 200, 200)), spine_at, fits)

    def check(self, make, hu, spine_at, fits):
        given = make.grid(hu), self.around(make, spine_at), straight(80.0, 100.0), level()
        if fits:
            check_without_descending(*given)
        else:
            found = refusal(check_without_descending, *given)
            assert (found.code, found.values) == ("aorta_not_found", {"variant": "behind"})
