"""When the landmarks are trusted: each refusal at its limit, the slices of the heart, and the warnings."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy import Track, find, frame
from scoring.anatomy.blood import Blood
from scoring.anatomy.level import Level
from scoring.anatomy.region import Region

LEFT_MAIN_MM = 100.0


def straight(y, x, seen=(0.0, 200.0), top_mm=200.0):
    z_mm = np.arange(0.0, top_mm, 2.5)
    flat = np.ones(len(z_mm))
    return Track(z_mm, y * flat, x * flat, 14 * flat, flat, (z_mm >= seen[0]) & (z_mm <= seen[1]), 0 * flat)


def level(z_mm=LEFT_MAIN_MM):
    return Level(z_mm, 2.0, ())


def refusal(function, *given):
    with pytest.raises(NotScorable) as raised:
        function(*given)
    return raised.value


class TestAgreement:
    """Where the descending aorta lies to the ascending one: y towards the back, x towards the left."""

    @pytest.mark.parametrize(("forward", "right"), [(70, 40), (29, 40), (129, 40), (70, -14), (70, 89)])
    def test_usual(self, forward, right):
        frame._agree(straight(80.0 + forward, 100.0 + right), straight(80.0, 100.0), level())

    @pytest.mark.parametrize(("forward", "right"), [(27, 40), (-70, 40), (131, 40), (70, -16), (70, 91)])
    def test_not_where_they_must_be(self, forward, right):
        found = refusal(frame._agree, straight(80.0 + forward, 100.0 + right), straight(80.0, 100.0), level())
        assert found.code == "landmarks_disagree"
        assert (found.values["forward_mm"], found.values["right_mm"]) == (forward, right)

    def test_mirrored(self):
        found = refusal(frame._agree, straight(150.0, 60.0), straight(80.0, 100.0), level())
        assert (found.code, found.values["variant"]) == ("landmarks_disagree", "aortas")

    def test_the_ascending_aorta_counts_just_above_the_left_main(self):
        z_mm = straight(0, 0).z_mm
        before = replace(straight(80.0, 100.0), y_mm=np.where((z_mm >= 100) & (z_mm <= 110), 80.0, 200.0))
        frame._agree(straight(150.0, 140.0), before, level())

    # From 60 mm under to 20 mm over the left main half of the slices must show it: 33 slices from 40 to 120 mm.
    @pytest.mark.parametrize(("seen", "fits"), [((80.0, 200.0), True), ((85.0, 200.0), False), ((0.0, 78.0), False)])
    def test_the_descending_aorta_is_seen_behind_the_heart(self, seen, fits):
        given = straight(150.0, 140.0, seen), straight(80.0, 100.0), level()
        if fits:
            frame._agree(*given)
        else:
            assert refusal(frame._agree, *given).code == "aorta_not_found"

    def test_images_that_end_before(self):
        given = straight(150.0, 140.0, top_mm=30.0), straight(80.0, 100.0), level()
        assert refusal(frame._agree, *given).code == "aorta_not_found"


class TestCovered:
    """Slices every 3 mm; cubes of 4 mm from 2 mm on."""

    SLICES = 50

    @pytest.fixture
    def covered(self, make):
        def ask(mask, *, chambers=None, start_mm=2.0, left_main_mm=LEFT_MAIN_MM, hu=None, slices=self.SLICES):
            image = make.cubes(mask.shape, 4.0, start=(2.0, 2.0, 2.0), hu=0.0)
            hu = np.zeros(mask.shape) if hu is None else hu
            values = np.array(hu, np.float32)
            values.flat[0] = min(-1024.0, values.min())
            around = SimpleNamespace(heart_mask=mask, cubes=replace(image, hu=values))
            near = replace(image, start_mm=np.array([start_mm, 2.0, 2.0]))
            inside = mask if chambers is None else chambers
            found = make.answer(near, {"left ventricle": lambda *_: inside}, classes=make.heart_classes)
            volume = make.volume(np.zeros((slices, 4, 4)))
            return frame._covered(volume, around, SimpleNamespace(found=found), level(left_main_mm))

        return ask

    @staticmethod
    def heart(low=5, high=27, rows=(10, 30), columns=(10, 30)):
        mask = np.zeros((37, 40, 40), bool)
        mask[low : high + 1, slice(*rows), slice(*columns)] = True
        return mask

    def test_first_and_last_slice(self, covered):
        first, last = covered(self.heart())
        # The heart's lowest cube reaches down to 20 mm; a slice more is looked at, and 24 mm above the left main.
        assert 20 - 2 * 3 <= first * 3 <= 20
        assert last * 3 <= LEFT_MAIN_MM + 24 < (last + 1) * 3

    def test_slices_end_with_the_images(self, covered):
        assert covered(self.heart(0, 27, (10, 17), (10, 20)), left_main_mm=136.0) == (0, 49)

    @pytest.mark.parametrize(("left_main_mm", "fits"), [(138.4, True), (138.6, False), (160.0, False)])
    def test_ten_millimetres_above_the_left_main(self, covered, left_main_mm, fits):
        """The last slice ends at 148.5 mm."""
        if fits:
            covered(self.heart(), left_main_mm=left_main_mm)
        else:
            found = refusal(lambda: covered(self.heart(), left_main_mm=left_main_mm))
            assert found.code == "heart_not_covered"
            assert found.values["variant"] == "top"
            assert found.values["above_mm"] == pytest.approx(148.5 - left_main_mm, abs=0.1)

    # 75 cubes of 16 mm2 are 12 cm2.
    @pytest.mark.parametrize(("columns", "fits"), [(15, True), (16, False)])
    def test_images_that_end_within_the_heart(self, covered, columns, fits):
        mask = self.heart(0, 27, (10, 15), (10, 10 + columns))
        if fits:
            covered(mask)
        else:
            found = refusal(covered, mask)
            assert found.code == "heart_not_covered"
            assert found.values == {"variant": "ends_inside", "area_cm2": 12.8}

    def test_both_nets_must_see_the_heart_in_the_lowest_slice(self, covered):
        cut, whole = self.heart(0, 27), self.heart(5, 27)
        assert refusal(covered, cut).code == "heart_not_covered"
        assert covered(cut, chambers=whole)[0] == 0
        assert covered(whole, chambers=cut)[0] > 0

    @pytest.mark.parametrize(("start_mm", "fits"), [(2.0, False), (30.0, True)])
    def test_what_the_second_net_sees_first_need_not_be_the_lowest_slice(self, covered, start_mm, fits):
        cut = self.heart(0, 27)
        if fits:
            covered(cut, start_mm=start_mm)
        else:
            assert refusal(lambda: covered(cut, start_mm=start_mm)).code == "heart_not_covered"

    # A slice of 3 mm and a cube of 4 mm.
    @pytest.mark.parametrize(("start_mm", "fits"), [(6.9, False), (7.1, True)])
    def test_the_second_net_looked_at_the_lowest_slice(self, covered, start_mm, fits):
        self.test_what_the_second_net_sees_first_need_not_be_the_lowest_slice(covered, start_mm, fits)

    @pytest.mark.parametrize(("wide", "close", "cm2"), [(20, 16, 13), (16, 20, 13), (20, 15, None), (15, 20, None)])
    def test_the_smaller_of_both_areas(self, covered, wide, close, cm2):
        """Five rows of cubes: 15 columns are 12 cm2, 16 are 12.8, 20 are 16."""
        mask, chambers = (self.heart(0, 27, (10, 15), (10, 10 + columns)) for columns in (wide, close))
        if cm2 is None:
            covered(mask, chambers=chambers)
        else:
            found = refusal(lambda: covered(mask, chambers=chambers))
            assert found.code == "heart_not_covered"
            assert round(found.values["area_cm2"]) == cm2

    @pytest.mark.parametrize("side", [0, 1, 2, 3])
    @pytest.mark.parametrize("out_of", ["image", "round field"])
    def test_a_side_cut_off(self, covered, side, out_of):
        """A quarter of the outline of a square heart."""
        mask, hu = self.heart(), np.zeros((37, 40, 40))
        if out_of == "image":
            mask = self.heart(rows=(0, 20))
        else:
            hu[:, :10] = -1024
        mask, hu = np.rot90(mask, side, (1, 2)), np.rot90(hu, side, (1, 2))
        found = refusal(lambda: covered(mask, hu=hu))
        assert found.code == "heart_not_covered"
        assert found.values == {"variant": "side", "share_percent": 25.0}

    # A tab of the heart at the border: 4 of 82 sides are 4.9 %, 5 of 82 are 6.1 %.
    @pytest.mark.parametrize(("tab", "fits"), [(4, True), (5, False)])
    def test_a_little_may_be_cut_off(self, covered, tab, fits):
        mask = self.heart(rows=(1, 21))
        mask[5:28, 0, 15 : 15 + tab] = True
        if fits:
            assert covered(mask)[0] >= 0
        else:
            assert refusal(covered, mask).values == {"variant": "side", "share_percent": 6.1}

    def test_a_heart_beside_the_border(self, covered):
        assert covered(self.heart(rows=(1, 21), columns=(1, 21)))[0] >= 0


class TestSameHeart:
    """What the chest's net calls the heart, a ball of 42 mm, and the chambers that the heart's net sees."""

    @staticmethod
    def seen(make, radius, shift=0.0):
        wide, close = make.cubes((50, 50, 50), 4.0), make.cubes((56, 56, 56), 3.0, start=(15.0, 15.0, 15.0))
        mask = make.answer(wide, {"heart": make.ball(100.0, 100.0, 100.0, 42.0)}).mask("heart")
        ball = make.ball(100.0, 100.0, 100.0 + shift, radius)
        found = make.answer(close, {"right atrium": ball}, classes=make.heart_classes)
        around = SimpleNamespace(heart=Region.of(mask, wide), heart_mask=mask, cubes=wide)
        return around, SimpleNamespace(found=found, chambers=Region.of(found.mask("right atrium"), close))

    @pytest.mark.parametrize(("radius", "shift"), [(36.0, 0.0), (36.0, 8.0), (42.0, 0.0)])
    def test_at_one_place(self, make, radius, shift):
        frame._same_heart(*self.seen(make, radius, shift))

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
        found = refusal(frame._same_heart, *self.seen(make, radius, shift))
        assert found.code == "landmarks_disagree"
        seen = found.values["share_percent"] / 100
        assert seen < 0.6
        if share is not None:
            assert seen == pytest.approx(share, abs=0.08)


class TestWithoutAorta:
    @pytest.mark.parametrize(("top", "code"), [(20, "heart_not_covered"), (12, "aorta_not_found")])
    def test_a_heart_at_the_upper_end_is_cut_off(self, make, top, code):
        """Discs of radius 24 mm: 18 cm2, over the 12 that may be seen in the last slice."""
        image = make.cubes((20, 30, 30), 4.0)
        found = make.answer(image, {"heart": lambda z, y, x: (z < top * 4) & (np.hypot(y - 58, x - 58) < 24)})
        around = SimpleNamespace(found=found, heart_mask=found.mask("heart"), cubes=image)
        assert frame._without_aorta(around).code == code


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
        frame._upright(self.around(make))

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

    @staticmethod
    def check(around, fits):
        if fits:
            frame._upright(around)
        else:
            found = refusal(frame._upright, around)
            assert found.code == "landmarks_disagree"
            assert found.values == {"variant": "upside_down"}


class TestFlags:
    @pytest.mark.parametrize(
        ("blood_hu", "noise_hu", "expected"),
        [
            (40, 15, {}),
            (75, 20, {}),
            (76, 15, {"contrast_possible": {"blood_hu": 76}}),
            (40, 21, {"noise": {"variant": "high", "noise_hu": 21, "aim_hu": 20}}),
            (40, 26, {"noise": {"variant": "zero", "noise_hu": 26}}),
            (80, 30, {"contrast_possible": {"blood_hu": 80}, "noise": {"variant": "zero", "noise_hu": 30}}),
            (float("nan"), 15, {}),
        ],
    )
    def test_warnings(self, blood_hu, noise_hu, expected):
        flags = frame._flags(blood_hu, noise_hu)
        assert {flag.code: flag.values for flag in flags} == expected
        assert all(flag.severity == "warning" for flag in flags)


class TestFind:
    """The whole way with every measurement given."""

    @pytest.fixture
    def given(self, make, monkeypatch):
        def ask(*, core=40.0, blood=40.0, noise=12.0, behind=True, before=True, upright=True):
            tracks = {"descending": straight(150.0, 140.0), "ascending": straight(80.0, 100.0)}
            there = {"descending": behind, "ascending": before}
            mask = np.zeros((37, 40, 40), bool)
            mask[5:28, 10:30, 10:30] = True
            image = make.cubes(mask.shape, start=(2.0, 2.0, 2.0))
            image.hu[0, 0, 0] = -1024
            # The heart's middle lies at 66 mm.
            low, high = (100.0, 146.0) if upright else (0.0, 60.0)
            vessels = {"ascending": make.rod(80.0, 100.0, 14.0, low, high)}
            seen = make.answer(image, vessels | {"pulmonary": make.rod(80.0, 60.0, 14.0, low=100.0)})
            around = SimpleNamespace(found=seen, heart_mask=mask, cubes=image)
            steps = {
                "chest": lambda _: around,
                "core_hu": lambda _: core,
                "skeleton": lambda grid, _: np.zeros(grid.hu.shape, bool),
                "track": lambda _g, _s, _f, name, _r: tracks[name] if there[name] else None,
                "blood": lambda _v, _t: Blood(blood, noise, np.full(50, noise), 5.0, 1.2),
                "heart": lambda _g, _c: SimpleNamespace(
                    found=make.answer(around.cubes, {}, classes=make.heart_classes)
                ),
                "level": lambda _h, _t: level(),
                "_same_heart": lambda _c, _h: None,
                "network": lambda kind: SimpleNamespace(weights=(f"{kind}-0123456789abcdef",)),
            }
            for name, step in steps.items():
                monkeypatch.setattr(f"scoring.anatomy.frame.{name}", step)
            return find(make.volume(np.zeros((50, 64, 64))))

        return ask

    def test_all_parts(self, given):
        found = given()
        assert found.left_main.z_mm == LEFT_MAIN_MM
        assert found.heart_slices == (6, 41)
        assert found.flags == ()
        assert found.weights == "chest chest-012345, heart heart-012345"

    @pytest.mark.parametrize(
        ("hu", "code", "values"),
        [
            ({"core": 101}, "contrast", {"variant": "blood", "blood_hu": 101}),
            ({"core": 76, "blood": 130}, "contrast", {"variant": "blood", "blood_hu": 130}),
            (
                {"core": 40, "blood": 130},
                "landmarks_disagree",
                {"variant": "bright_aorta", "aorta_hu": 130, "heart_hu": 40},
            ),
            ({"upright": False}, "landmarks_disagree", {"variant": "upside_down"}),
            ({"upright": False, "core": 101}, "contrast", {"variant": "blood", "blood_hu": 101}),
            ({"behind": False}, "aorta_not_found", {"variant": "beside"}),
            ({"before": False}, "aorta_not_found", {"variant": "beside"}),
        ],
    )
    def test_refusals(self, given, hu, code, values):
        found = refusal(lambda: given(**hu))
        assert (found.code, found.values) == (code, values)

    def test_the_brighter_of_heart_and_aorta_is_flagged(self, given):
        assert [flag.code for flag in given(core=90).flags] == ["contrast_possible"]
        assert [flag.code for flag in given(blood=90, noise=22).flags] == ["contrast_possible", "noise"]

    @pytest.mark.parametrize("shape", [(1, 64, 64), (30, 31, 64), (30, 64, 16)])
    def test_too_small(self, make, shape):
        assert refusal(find, make.volume(np.zeros(shape))).code == "not_a_chest"
