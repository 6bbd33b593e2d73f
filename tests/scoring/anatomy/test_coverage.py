"""How much of a heart the images show: hearts that are cut off at each end and at the sides."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy.coverage import coverage, without_aorta
from scoring.anatomy.level import Level

LEFT_MAIN_MM = 100.0


def refusal(function, *given):
    with pytest.raises(NotScorable) as raised:
        function(*given)
    return raised.value


class TestCovered:
    """Slices every 3 mm; cubes of 4 mm from 2 mm on."""

    SLICES = 50

    @pytest.fixture
    def covered(self, make):
        def ask(
            mask, *, chambers=None, start_mm=2.0, left_main_mm=LEFT_MAIN_MM, spread_mm=2.0, hu=None, slices=self.SLICES
        ):
            image = make.cubes(mask.shape, 4.0, start=(2.0, 2.0, 2.0), hu=0.0)
            hu = np.zeros(mask.shape) if hu is None else hu
            values = np.array(hu, np.float32)
            values.flat[0] = min(-1024.0, values.min())
            around = SimpleNamespace(heart_mask=mask, cubes=replace(image, hu=values))
            near = replace(image, start_mm=np.array([start_mm, 2.0, 2.0]))
            inside = mask if chambers is None else chambers
            found = make.answer(near, {"left ventricle": lambda *_: inside}, classes=make.heart_classes)
            volume = make.volume(np.zeros((slices, 4, 4)))
            return coverage(volume, around, SimpleNamespace(found=found), Level(left_main_mm, spread_mm, ()))

        return ask

    @staticmethod
    def heart(low=5, high=27, rows=(10, 30), columns=(10, 30)):
        mask = np.zeros((37, 40, 40), bool)
        mask[low : high + 1, slice(*rows), slice(*columns)] = True
        return mask

    def test_first_and_last_slice(self, covered):
        first, last = covered(self.heart()).slices
        # The heart's lowest cube reaches down to 20 mm; a slice more is looked at, and 24 mm above the left main.
        assert 20 - 2 * 3 <= first * 3 <= 20
        assert last * 3 <= LEFT_MAIN_MM + 24 < (last + 1) * 3

    def test_slices_end_with_the_images(self, covered):
        found = covered(self.heart(0, 27, (10, 17), (10, 20)), left_main_mm=136.0)
        assert (found.slices, found.cut_mm) == ((0, 49), 0)

    @pytest.mark.parametrize(("left_main_mm", "fits"), [(145.4, True), (145.6, False), (160.0, False)])
    def test_a_slice_above_the_left_main(self, covered, left_main_mm, fits):
        """The last slice ends at 148.5 mm."""
        if fits:
            covered(self.heart(), left_main_mm=left_main_mm)
        else:
            found = refusal(lambda: covered(self.heart(), left_main_mm=left_main_mm))
            assert found.code == "heart_not_covered"
            assert found.values["variant"] == "top"
            assert found.values["above_mm"] == pytest.approx(148.5 - left_main_mm, abs=0.1)

    @pytest.mark.parametrize(("spread_mm", "fits"), [(5.6, True), (6.0, False)])
    def test_a_left_main_that_may_lie_above_the_images(self, covered, spread_mm, fits):
        """The last slice ends 8.5 mm above it: 1.5 standard deviations are needed."""
        if fits:
            covered(self.heart(), left_main_mm=140.0, spread_mm=spread_mm)
        else:
            found = refusal(lambda: covered(self.heart(), left_main_mm=140.0, spread_mm=spread_mm))
            assert found.values == {"variant": "top", "above_mm": 8.5, "needed_mm": 9.0}

    @staticmethod
    def ellipsoid(cut_mm, wide_mm=38.0):
        """A heart 96 mm high and 76 mm wide, of which `cut_mm` lie below the images."""
        z, y, x = np.ogrid[:37, :40, :40]
        return ((z * 4 + 2 + cut_mm - 48) / 48) ** 2 + (((y - 20) * 4) ** 2 + ((x - 20) * 4) ** 2) / wide_mm**2 <= 1

    @pytest.mark.parametrize("cut_mm", [7.5, 8.5, 10.0])
    def test_a_heart_that_is_cut_off_a_little(self, covered, cut_mm):
        """Its lowest section is over 12 cm2 from 7 mm on."""
        found = covered(self.ellipsoid(cut_mm))
        assert found.cut_mm == pytest.approx(cut_mm, abs=2)
        assert found.slices[0] == 0

    @pytest.mark.parametrize("cut_mm", [1.0, 2.0])
    def test_a_heart_that_ends_within_a_slice_of_the_images(self, covered, cut_mm):
        """One that is so wide that its lowest section is over 12 cm2."""
        mask = self.ellipsoid(cut_mm, wide_mm=70.0)
        assert mask[0].sum() * 0.16 > 12
        assert covered(mask).cut_mm == 0

    @pytest.mark.parametrize("cut_mm", [16.0, 24.0, 40.0, 60.0])
    def test_a_heart_that_is_cut_off(self, covered, cut_mm):
        found = refusal(lambda: covered(self.ellipsoid(cut_mm)))
        assert (found.code, found.values["variant"], found.values["most_mm"]) == (
            "heart_not_covered",
            "ends_inside",
            12,
        )
        assert found.values["cut_mm"] > 12

    # 75 cubes of 16 mm2 are 12 cm2. A heart that does not taper is as long again below.
    @pytest.mark.parametrize(("columns", "fits"), [(15, True), (16, False)])
    def test_a_little_of_a_heart_in_the_lowest_slice_is_its_end(self, covered, columns, fits):
        mask = self.heart(0, 27, (10, 15), (10, 10 + columns))
        if fits:
            assert covered(mask).cut_mm == 0
        else:
            assert refusal(covered, mask).values == {"variant": "ends_inside", "cut_mm": 112, "most_mm": 12}

    @pytest.mark.parametrize(("wide", "close", "fits"), [(20, 16, 0), (16, 20, 0), (20, 15, 1), (15, 20, 1)])
    def test_both_nets_must_see_the_heart_in_the_lowest_slice(self, covered, wide, close, fits):
        """Five rows of cubes: 15 columns are 12 cm2, 16 are 12.8, 20 are 16."""
        mask, chambers = (self.heart(0, 27, (10, 15), (10, 10 + columns)) for columns in (wide, close))
        if fits:
            assert covered(mask, chambers=chambers).cut_mm == 0
        else:
            assert refusal(lambda: covered(mask, chambers=chambers)).code == "heart_not_covered"

    @pytest.mark.parametrize(("wide", "close"), [(9.0, 40.0), (40.0, 9.0), (9.0, 12.0)])
    def test_the_smaller_of_both_heights(self, covered, wide, close):
        found = covered(self.ellipsoid(wide), chambers=self.ellipsoid(close))
        assert found.cut_mm == pytest.approx(min(wide, close), abs=2)

    # A slice of 3 mm and a cube of 4 mm.
    @pytest.mark.parametrize(("start_mm", "fits"), [(2.0, False), (6.9, False), (7.1, True), (30.0, True)])
    def test_what_the_second_net_sees_first_need_not_be_the_lowest_slice(self, covered, start_mm, fits):
        cut = self.heart(0, 27)
        if fits:
            assert covered(cut, start_mm=start_mm).cut_mm == 0
        else:
            assert refusal(lambda: covered(cut, start_mm=start_mm)).code == "heart_not_covered"

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
            assert covered(mask).slices[0] >= 0
        else:
            assert refusal(covered, mask).values == {"variant": "side", "share_percent": 6.1}

    def test_a_heart_beside_the_border(self, covered):
        assert covered(self.heart(rows=(1, 21), columns=(1, 21))).slices[0] >= 0


class TestWithoutAorta:
    @pytest.mark.parametrize(("top", "code"), [(20, "heart_not_covered"), (12, "aorta_not_found")])
    def test_a_heart_at_the_upper_end_is_cut_off(self, make, top, code):
        """Discs of radius 24 mm: 18 cm2, over the 12 that may be seen in the last slice."""
        image = make.cubes((20, 30, 30), 4.0)
        found = make.answer(image, {"heart": lambda z, y, x: (z < top * 4) & (np.hypot(y - 58, x - 58) < 24)})
        around = SimpleNamespace(found=found, heart_mask=found.mask("heart"), cubes=image)
        assert without_aorta(around).code == code
