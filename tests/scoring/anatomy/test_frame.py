"""The whole anatomy, put together from given measurements."""

from types import SimpleNamespace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy import Track, find, frame
from scoring.anatomy.blood import Blood
from scoring.anatomy.coverage import Coverage
from scoring.anatomy.level import Level

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


class TestSeenBehind:
    # From 60 mm under to 20 mm over the left main half of the slices must show it: 33 slices from 40 to 120 mm.
    @pytest.mark.parametrize(("seen", "fits"), [((80.0, 200.0), True), ((85.0, 200.0), False), ((0.0, 78.0), False)])
    def test_in_half_of_the_slices(self, seen, fits):
        assert frame._seen_behind(straight(150.0, 140.0, seen), level()) == fits

    def test_images_that_end_before(self):
        assert not frame._seen_behind(straight(150.0, 140.0, top_mm=30.0), level())


class TestNoise:
    @pytest.mark.parametrize(
        ("noise_hu", "values"),
        [
            (20, None),
            (21, {"variant": "high", "noise_hu": 21, "aim_hu": 20}),
            (25, {"variant": "high", "noise_hu": 25, "aim_hu": 20}),
            (26, {"variant": "zero", "noise_hu": 26}),
        ],
    )
    def test_warnings(self, noise_hu, values):
        flags = [(flag.code, flag.severity, flag.values) for flag in frame._flag_noise(noise_hu)]
        assert flags == ([("noise", "warning", values)] if values else [])


class TestFind:
    """The whole way with every measurement given."""

    @pytest.fixture
    def given(self, make, monkeypatch):
        def ask(
            *, core=40.0, blood=40.0, noise=12.0, muscle=50.0, behind=True, before=True, upright=True, cut=0.0, size=64
        ):
            behind = straight(70.0, 60.0) if behind is True else behind
            tracks = {"descending": behind, "ascending": straight(20.0, 30.0) if before else None}
            mask = np.zeros((37, 40, 40), bool)
            mask[5:28, 10:30, 10:30] = True
            image = make.cubes(mask.shape, start=(2.0, 2.0, 2.0))
            image.hu[0, 0, 0] = -1024
            # The heart's middle lies at 66 mm.
            low, high = (100.0, 146.0) if upright else (0.0, 60.0)
            vessels = {"ascending": make.rod(80.0, 100.0, 14.0, low, high)}
            seen = make.answer(image, vessels | {"pulmonary": make.rod(80.0, 60.0, 14.0, low=100.0)})
            around = SimpleNamespace(found=seen, heart_mask=mask, cubes=image)
            measured: list[Track] = []

            def pool(used):
                measured.append(used)
                hu = blood if np.isscalar(blood) else blood[len(measured) - 1]
                return Blood(hu, noise, np.full(50, noise), 5.0, 1.2)

            steps = {
                "chest": lambda _: around,
                "core_hu": lambda _: core,
                "skeleton": lambda grid, _: np.zeros(grid.hu.shape, bool),
                "track": lambda _g, _s, _f, name, _r: tracks[name],
                "blood": lambda _v, used: pool(used),
                "contrast.muscle_hu": lambda _: muscle,
                "heart": lambda _g, _c: SimpleNamespace(
                    found=make.answer(around.cubes, {}, classes=make.heart_classes)
                ),
                "level": lambda _h, _t: level(),
                "agreement.check_heart": lambda _c, _h: None,
                "agreement.check_front": lambda _g, _c: None,
                "coverage": lambda *_: Coverage((6, 41), cut),
                "identify_nets": lambda: "chest chest-012345, heart heart-012345",
            }
            for name, step in steps.items():
                monkeypatch.setattr(f"scoring.anatomy.frame.{name}", step)
            self.measured = measured
            return find(make.volume(np.zeros((50, size, size))))

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
            (
                {"core": 95, "blood": 95, "muscle": 60},
                "contrast",
                {"variant": "over_muscle", "blood_hu": 95, "muscle_hu": 60},
            ),
            ({"before": False}, "aorta_not_found", {"variant": "beside"}),
        ],
    )
    def test_refusals(self, given, hu, code, values):
        found = refusal(lambda: given(**hu))
        assert (found.code, found.values) == (code, values)

    def test_the_brighter_of_heart_and_aorta_is_flagged(self, given):
        assert [flag.code for flag in given(core=90).flags] == ["contrast_possible"]
        assert [flag.code for flag in given(blood=90, noise=22).flags] == ["contrast_possible", "noise"]

    def test_a_descending_aorta_that_is_seen(self, given):
        found = given()
        assert self.measured == [found.descending]
        assert found.descending.seen.all()

    @pytest.mark.parametrize("behind", [None, straight(70.0, 60.0, seen=(0.0, 50.0))])
    @pytest.mark.parametrize("size", [64, 160])
    def test_a_descending_aorta_that_is_not(self, given, behind, size):
        """Images that end at 95 mm are too narrow for one behind an aorta at 20 mm, ones that end at 239 mm are not."""
        if size == 64:
            found = given(behind=behind)
            assert found.flags == ()
            assert found.descending.outside(np.array([[60.0, 70.0, 60.0]]))[0] > 100
            if behind is None:
                assert self.measured == [found.ascending]
        else:
            found = refusal(lambda: given(behind=behind, size=size))
            assert (found.code, found.values) == ("aorta_not_found", {"variant": "behind"})

    def test_a_descending_aorta_half_outside_of_the_image(self, given):
        """The image ends at 94.5 mm, the aorta's wall at 104."""
        found = given(behind=straight(90.0, 60.0))
        assert self.measured == [found.ascending]
        assert found.descending.seen.all()

    @pytest.mark.parametrize(("hu", "taken"), [((14, 42), 42), ((16, 42), 16), ((-5, 90), -5), ((66, 38), 38)])
    def test_blood_that_is_not_like_the_heart(self, given, hu, taken):
        """The heart has 40 HU: over 25 away the ascending aorta is asked too."""
        assert given(blood=hu).blood.hu == taken

    @pytest.mark.parametrize(("cut", "shown"), [(0.0, None), (0.4, 1), (7.6, 8)])
    def test_a_heart_that_is_cut_off(self, given, cut, shown):
        found = given(cut=cut)
        assert found.cut_mm == cut
        assert [(flag.code, flag.severity, flag.values) for flag in found.flags] == (
            [("heart_cut", "warning", {"cut_mm": shown})] if shown else []
        )

    @pytest.mark.parametrize("shape", [(1, 64, 64), (30, 31, 64), (30, 64, 16)])
    def test_too_small(self, make, shape):
        assert refusal(find, make.volume(np.zeros(shape))).code == "not_a_chest"
