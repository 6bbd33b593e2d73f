"""The whole frame: what it says of a chest, and what it refuses."""

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy import find


def refusal(volume):
    with pytest.raises(NotScorable) as raised:
        find(volume)
    assert raised.value.reason[0].isupper()
    assert raised.value.reason.endswith(".")
    return raised.value.code


@pytest.fixture(scope="module")
def anatomy(chest):
    return find(chest.volume)


def test_left_main_level(chest, anatomy):
    assert anatomy.left_main.z_mm == pytest.approx(chest.left_main_mm, abs=8)
    assert anatomy.left_main.spread_mm < 10


def test_heart_slices_hold_the_heart(chest, anatomy):
    first, last = anatomy.heart_slices
    assert 0 <= first * 3 < chest.middle_mm - 50
    assert chest.left_main_mm + 12 < last * 3 < len(chest.volume.hu) * 3


def test_blood_and_noise(anatomy):
    assert anatomy.blood.hu == pytest.approx(40, abs=4)
    assert anatomy.core_hu == pytest.approx(40, abs=5)
    assert anatomy.blood.noise_hu == pytest.approx(12, rel=0.2)
    assert anatomy.blood.noise_by_slice.shape == (62,)
    assert anatomy.flags == ()


@pytest.mark.parametrize(("noise", "words"), [(34.0, "0 is not sure")])
def test_noise_is_flagged(make_chest, noise, words):
    flags = find(make_chest(noise=noise).volume).flags
    assert [flag.code for flag in flags] == ["noise"]
    assert words in flags[0].message


def test_blood_that_is_a_little_bright_is_flagged(make_chest):
    assert "contrast_possible" in [flag.code for flag in find(make_chest(blood=88).volume).flags]


@pytest.mark.parametrize("blood", [300])
def test_contrast(make_chest, blood):
    assert refusal(make_chest(blood=blood).volume) == "contrast"


@pytest.mark.parametrize("above_mm", [30, 10, -20])
def test_cut_above(chest, make_chest, above_mm):
    top = round((chest.left_main_mm + above_mm) / 3)
    volume = make_chest(hu=chest.volume.hu[:top]).volume
    if above_mm >= 30:
        assert find(volume).left_main.z_mm == pytest.approx(chest.left_main_mm, abs=8)
    else:
        assert refusal(volume) in {
            "heart_not_covered",
            "left_main_not_found",
            "aorta_not_found",
            "not_a_chest",
            "heart_not_found",
        }


@pytest.mark.parametrize("below_mm", [40, 70])
def test_cut_below(chest, make_chest, below_mm):
    bottom = round((chest.left_main_mm - below_mm) / 3)
    assert refusal(make_chest(hu=chest.volume.hu[bottom:]).volume) in {
        "heart_not_covered",
        "heart_not_found",
        "not_a_chest",
        "no_spine",
        "landmarks_disagree",
    }


def test_water_phantom(make_chest):
    y, x = np.mgrid[:128, :128]
    disc = np.hypot(y - 64, x - 64) < 50
    assert refusal(make_chest(hu=np.where(disc, 0, -1000) * np.ones((40, 1, 1))).volume) == "not_a_chest"


def test_random_noise(make_chest):
    hu = np.random.default_rng(1).normal(-300, 400, (40, 128, 128))
    assert refusal(make_chest(hu=hu).volume) in {
        "not_a_chest",
        "no_spine",
        "aorta_not_found",
        "heart_not_found",
        "contrast",
    }


def test_head(make_chest):
    z, y, x = np.mgrid[:60, :128, :128]
    skull = ((y - 64) / 60.0) ** 2 + ((x - 64) / 48.0) ** 2
    hu = np.where(skull <= 1, 900, -1000)
    hu[skull <= 0.85] = 35
    hu[(np.hypot(y - 25, x - 64) < 14) & (z < 20)] = -990
    assert refusal(make_chest(hu=hu).volume) == "not_a_chest"


def test_too_small(make_chest):
    assert refusal(make_chest(hu=np.zeros((1, 64, 64))).volume) == "not_a_chest"
    assert refusal(make_chest(hu=np.zeros((30, 16, 16))).volume) == "not_a_chest"


@pytest.mark.parametrize("spacing", [(5.0, 1.2, 1.2), (1.25, 1.5, 1.5)])
def test_other_samplings(chest, make_chest, spacing):
    shape = tuple(round(n * old / new) for n, old, new in zip((62, 190, 210), (3.0, 1.5, 1.5), spacing, strict=True))
    found = find(make_chest(spacing=spacing, shape=shape).volume)
    assert found.left_main.z_mm == pytest.approx(chest.left_main_mm, abs=9)


def test_small_field_of_view(chest, make_chest):
    found = find(make_chest(hu=chest.volume.hu[:, 25:150, 45:180]).volume)
    assert found.left_main.z_mm == pytest.approx(chest.left_main_mm, abs=9)


def test_metal_and_padding_change_nothing(chest, make_chest):
    hu = chest.volume.hu.copy()
    hu[:, :, :6] = -3024
    hu[:, :6] = -3024
    hu[40, 60:63, 60:63] = 20000
    assert find(make_chest(hu=hu).volume).left_main.z_mm == pytest.approx(chest.left_main_mm, abs=8)
