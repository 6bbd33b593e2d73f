"""Blood against muscle: patients of every haematocrit, and contrast medium in any phase."""

from types import SimpleNamespace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy.contrast import check_blood, check_core, muscle_hu

NAN = float("nan")


def refusal(*given):
    with pytest.raises(NotScorable) as raised:
        check_blood(*given)
    return raised.value


# Blood of 5, 10, 15 and 20 g of haemoglobin per dL (18, 33, 48, 63 HU), muscle from fatty to lean.
@pytest.mark.parametrize("blood", [18, 33, 48, 63])
@pytest.mark.parametrize("muscle", [25, 40, 55, 65])
def test_blood_without_contrast_medium(blood, muscle):
    assert check_blood(blood, blood, muscle) == ()


@pytest.mark.parametrize("off", [-8, 8])
@pytest.mark.parametrize(("blood", "muscle"), [(33, 40), (48, 50), (60, 45)])
def test_a_scanner_whose_values_lie_high_or_low(blood, muscle, off):
    assert check_blood(blood + off, blood + off, muscle + off) == ()


# Muscle of 45 (8) HU that has taken up 8.
@pytest.mark.parametrize("blood", [93, 96, 99])
@pytest.mark.parametrize("muscle", [37, 45, 53, 61])
def test_venous_contrast_medium(blood, muscle):
    found = refusal(blood, blood - 3, muscle)
    assert (found.code, found.values["variant"]) == ("contrast", "over_muscle")
    assert (found.values["blood_hu"], found.values["muscle_hu"]) == (blood - 3, muscle)


@pytest.mark.parametrize(("blood", "core", "fits"), [(64, 64, False), (62, 62, True), (80, 62, True), (62, 80, True)])
def test_rich_blood_over_fatty_muscle(blood, core, fits):
    """63 HU is what blood can measure; both places must exceed it."""
    if fits:
        check_blood(blood, core, 25)
    else:
        assert refusal(blood, core, 25).values["variant"] == "over_muscle"


@pytest.mark.parametrize(("over", "fits"), [(24, True), (26, False)])
def test_over_muscle(over, fits):
    if fits:
        assert [flag.code for flag in check_blood(55 + over, 55 + over, 55)] == ["contrast_possible"]
    else:
        assert refusal(55 + over, 55 + over, 55).values["muscle_hu"] == 55


@pytest.mark.parametrize(
    ("blood", "core", "muscle", "flagged"),
    [
        (75, 75, 60, None),
        (76, 70, 60, 76),
        (70, 76, 60, 76),
        (66, 64, 50, 66),
        (66, 64, 52, None),
        (62, 62, 30, None),
        (66, NAN, 50, 66),
        (40, NAN, 45, None),
    ],
)
def test_what_may_be_contrast_medium_is_flagged(blood, core, muscle, flagged):
    flags = check_blood(blood, core, muscle)
    assert [(flag.code, flag.severity, flag.values) for flag in flags] == (
        [("contrast_possible", "warning", {"blood_hu": flagged})] if flagged else []
    )


def test_too_bright_whatever_the_muscle():
    assert refusal(101, 76, 90).values == {"variant": "blood", "blood_hu": 101}
    found = refusal(130, 40, 50)
    assert found.code == "landmarks_disagree"
    assert found.values == {"variant": "bright_aorta", "aorta_hu": 130, "heart_hu": 40}
    with pytest.raises(NotScorable) as raised:
        check_core(101)
    assert raised.value.values == {"variant": "blood", "blood_hu": 101}
    check_core(100)
    check_core(NAN)


class TestMuscle:
    """A wall of fat with muscle in it, in cubes of 4 mm."""

    @staticmethod
    def around(make, thick=6, hu=52.0, noise=0.0):
        image = make.cubes((20, 30, 30), 4.0)
        image.hu[:] = -100
        image.hu[:, 10 : 10 + thick, 5:25] = hu
        image.hu[:] += np.random.default_rng(3).normal(0, noise, image.hu.shape)
        image.hu[:, 22:24, 5:25] = 400  # a rib that the net takes for wall
        found = make.answer(image, {"wall": lambda z, y, x: y < 100 + 0 * (z + x)})
        return SimpleNamespace(found=found, cubes=image)

    @pytest.mark.parametrize("noise", [0.0, 12.0])
    @pytest.mark.parametrize("hu", [45.0, 60.0])
    def test_muscle_in_fat(self, make, hu, noise):
        assert muscle_hu(self.around(make, hu=hu, noise=noise)) == pytest.approx(hu, abs=3)

    def test_what_is_no_wall_does_not_count(self, make):
        around = self.around(make)
        around.cubes.hu[:, 26:] = 95
        assert muscle_hu(around) == pytest.approx(52)

    def test_too_thin_to_be_free_of_fat(self, make):
        assert muscle_hu(self.around(make, thick=2, hu=70.0)) == 50
