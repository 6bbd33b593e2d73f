"""Each structure on a volume with known truth."""

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.anatomy import find
from scoring.anatomy.airway import airway
from scoring.anatomy.aorta import Track, ascending, descending
from scoring.anatomy.bone import Bone, bone, refuse_turned
from scoring.anatomy.coarse import coarse
from scoring.anatomy.heart import Fullness, body, fullness
from scoring.anatomy.hough import votes
from scoring.anatomy.hull import Hull, hull, inside
from scoring.anatomy.level import bronchi_end, falls, level
from scoring.anatomy.lungs import lungs


@pytest.fixture(scope="module")
def parts(chest):
    grid = coarse(chest.volume)
    air = lungs(grid)
    outline = hull(grid, air)
    skeleton = bone(grid, outline)
    return grid, air, outline, skeleton


def straight(z_mm, certainty, anchor_mm):
    flat = np.full(len(z_mm), 100.0)
    return Track(np.asarray(z_mm), flat, flat, flat * 0.16, np.asarray(certainty, float), anchor_mm)


class TestCoarse:
    def test_means_and_positions(self, make_chest):
        hu = np.arange(6 * 64 * 66).reshape(6, 64, 66) % 700
        grid = coarse(make_chest(hu=hu, spacing=(1.25, 0.5, 0.5)).volume)
        assert grid.spacing_mm == (2.5, 1.5, 1.5)
        assert grid.start_mm == (0.625, 0.5, 0.5)
        assert grid.hu[1, 2, 3] == round(hu[2:4, 6:9, 9:12].mean())
        assert grid.position(1)[2] == pytest.approx(np.mean([6, 7, 8]) * 0.5)
        assert tuple(grid.index(np.array([0.6, 3.4, 5.1]))) == (0, 2, 3)

    def test_metal_and_padding_do_not_spread(self, make_chest):
        hu = np.zeros((2, 64, 64))
        hu[:, 8:11, 8:11] = 30000
        hu[:, :, :12] = -3024
        grid = coarse(make_chest(hu=hu, spacing=(3.0, 0.5, 0.5)).volume)
        assert grid.hu.max() <= 1500
        assert grid.hu.min() == -1024
        assert grid.padding[:, :, :4].all()
        assert not grid.padding[:, :, 4:].any()

    def test_air_of_one_value_is_padding_and_noisy_air_is_not(self, make_chest):
        hu = np.random.default_rng(2).normal(-1000, 6, (2, 66, 66))
        hu[:, :, :12] = -1000
        grid = coarse(make_chest(hu=hu, spacing=(3.0, 0.5, 0.5)).volume)
        assert grid.padding[:, :, :4].all()
        assert not grid.padding[:, :, 4:].any()

    def test_single_dark_voxels_are_no_padding(self, make_chest):
        hu = np.zeros((2, 64, 64))
        hu[:, ::4, ::4] = -1024
        assert not coarse(make_chest(hu=hu).volume).padding.any()


class TestLungs:
    def test_volume(self, chest, parts):
        assert parts[1].volume_ml == pytest.approx(chest.lung_ml, rel=0.05)

    def test_table_foam_is_no_lung(self, make_chest):
        with_table = make_chest(table=True)
        assert lungs(coarse(with_table.volume)).volume_ml == pytest.approx(with_table.lung_ml, rel=0.05)

    @pytest.mark.parametrize("hu", [0, 40, -1000])
    def test_nothing_there(self, make_chest, hu):
        with pytest.raises(NotScorable) as raised:
            lungs(coarse(make_chest(hu=np.full((40, 100, 100), hu)).volume))
        assert raised.value.code == "not_a_chest"


class TestHull:
    def test_depth_of_a_square(self):
        planes = np.array([[1.0, 0.0, -100.0], [-1.0, 0.0, 0.0], [0.0, 1.0, -60.0], [0.0, -1.0, 0.0]])
        square = Hull(np.array([30.0, 33.0]), (planes, planes))
        points = np.array(
            [[30.0, 50.0, 30.0], [30.0, 95.0, 30.0], [30.0, 110.0, 30.0], [15.0, 50.0, 30.0], [0.0, 50.0, 30.0]]
        )
        assert square.depth(points) == pytest.approx([30.0, 5.0, -10.0, 26.0, -np.inf])

    def test_heart_inside_and_wall_outside(self, chest, parts):
        heart, sternum, table = parts[2].depth(
            np.array([[chest.middle_mm, 112.0, 170.0], [chest.middle_mm, 36.0, 157.0], [chest.middle_mm, 270.0, 157.0]])
        )
        assert heart > 40
        assert sternum < 9
        assert table < 0

    def test_grid_agrees_with_points(self, parts):
        grid, _, outline, _ = parts
        space = inside(grid, outline)
        index = np.array([[20, 30, 40], [30, 50, 60], [40, 40, 30]])
        points = np.column_stack([grid.position(0)[index[:, 0]], space.y_mm[index[:, 1]], space.x_mm[index[:, 2]]])
        assert space.depth_mm[tuple(index.T)] == pytest.approx(outline.depth(points), abs=1e-3)


class TestBone:
    def test_spine(self, chest, parts):
        front = np.median(parts[3].spine_mm, axis=0)
        assert np.hypot(*(front - chest.spine_mm)) < 5

    def test_heavy_calcium_in_the_heart_is_no_bone(self, chest, make_chest):
        hu = chest.volume.hu.copy()
        calcium = (slice(26, 32), slice(70, 80), slice(110, 120))
        hu[calcium] = 700
        grid = coarse(make_chest(hu=hu).volume)
        mask = bone(grid, hull(grid, lungs(grid))).mask
        assert hu[calcium].size * 6.75 > 2500
        assert not mask[calcium].any()
        assert mask[30, 134, 104]

    def test_upside_down_is_refused(self, chest, make_chest):
        with pytest.raises(NotScorable):
            find(make_chest(hu=chest.volume.hu[:, ::-1]).volume)


class TestTurned:
    @staticmethod
    def refusal(parts, *, flipped):
        grid, _, _, skeleton = parts
        mask = skeleton.mask[:, ::-1] if flipped else skeleton.mask
        refuse_turned(grid, Bone(mask, skeleton.spine_mm))

    def test_more_bone_in_front_than_behind(self, parts):
        self.refusal(parts, flipped=False)
        with pytest.raises(NotScorable) as raised:
            self.refusal(parts, flipped=True)
        assert raised.value.code == "landmarks_disagree"


class TestAorta:
    def test_both_circles(self, chest, parts):
        grid, _, outline, skeleton = parts
        found = votes(grid, skeleton)
        behind = descending(grid, found, skeleton)
        before = ascending(grid, found, outline, behind, chest.left_main_mm)
        heights = np.array([80.0, 110.0, 150.0])
        y, x, radius = chest.descending
        assert behind.at(heights)[:, :2] == pytest.approx(np.array([[y, x]] * 3), abs=2.5)
        assert behind.at(heights)[:, 2] == pytest.approx(radius, abs=2.5)
        assert (behind.at(heights)[:, 3] > 0.8).all()
        y, x, radius = chest.ascending
        above = before.at(np.array([chest.left_main_mm + 15.0, chest.left_main_mm + 30.0]))
        assert above[:, :2] == pytest.approx(np.array([[y, x]] * 2), abs=2.5)
        assert above[:, 2] == pytest.approx(radius, abs=2.5)

    def test_distance_to_the_wall(self):
        track = straight([0.0, 10.0], [1.0, 1.0], 0.0)
        points = np.array([[5.0, 100.0, 100.0], [5.0, 120.0, 100.0]])
        assert track.outside(points) == pytest.approx([-16.0, 4.0])

    def test_a_descending_aorta_on_the_right_is_refused(self, chest, make_chest):
        with pytest.raises(NotScorable) as raised:
            find(make_chest(hu=chest.volume.hu[:, :, ::-1]).volume)
        assert raised.value.code == "landmarks_disagree"
        assert "mirrored" in raised.value.reason

    def test_images_that_end_below_it(self, parts):
        grid, _, outline, skeleton = parts
        found = votes(grid, skeleton)
        behind = descending(grid, found, skeleton)
        with pytest.raises(NotScorable) as raised:
            ascending(grid, found, outline, behind, 250.0)
        assert raised.value.code == "heart_not_covered"


class TestHeart:
    def test_middle(self, chest, parts):
        grid, _, outline, skeleton = parts
        assert fullness(grid, inside(grid, outline), skeleton).middle_mm() == pytest.approx(chest.middle_mm, abs=8)

    def test_liver_is_not_taken_for_the_heart(self):
        z_mm = np.arange(0.0, 240.0, 3.0)
        heart, liver = np.exp(-(((z_mm - 120) / 30) ** 2)), np.exp(-(((z_mm - 20) / 30) ** 2))
        assert Fullness(z_mm, 60 * heart + 110 * liver - 20).middle_mm() == pytest.approx(120, abs=6)

    def test_no_maximum(self):
        z_mm = np.arange(0.0, 90.0, 3.0)
        assert Fullness(z_mm, 100 - z_mm).middle_mm() is None

    def test_vessels_in_the_lung_are_outside_the_body(self, chest, make_chest):
        hu = chest.volume.hu.copy()
        hu[:, 95:101, 30:36] = 40
        grid = coarse(make_chest(hu=hu).volume)
        mass = body(grid, inside(grid, hull(grid, lungs(grid))))
        vessel, heart = mass.at(np.array([[90.0, 147.0, 49.0], [chest.middle_mm, 112.0, 170.0]]))
        assert vessel > 5
        assert heart == 0


class TestLevel:
    def test_fall_of_the_outline(self):
        z_mm = np.arange(0.0, 180.0, 3.0)
        found = falls(straight(z_mm, np.where(z_mm > 100, 0.8, 0.4), 140.0))
        assert found == [pytest.approx(101, abs=3)]

    def test_weighs_the_signs(self):
        z_mm = np.arange(0.0, 180.0, 3.0)
        track = straight(z_mm, np.where(z_mm > 100, 0.8, 0.4), 140.0)
        found = level(track, 64.0, np.where(z_mm > 104, 5.0, 0.0))
        assert 99 < found.z_mm < 105
        assert dict(found.signs).keys() == {"middle", "outline", "bronchi"}

    def test_two_of_three_signs_are_enough(self):
        z_mm = np.arange(0.0, 180.0, 3.0)
        found = level(straight(z_mm, np.full(len(z_mm), 0.9), 140.0), 64.0, np.where(z_mm > 104, 5.0, 0.0))
        assert dict(found.signs).keys() == {"middle", "bronchi"}

    def test_a_sign_alone_is_not_enough(self):
        z_mm = np.arange(0.0, 180.0, 3.0)
        with pytest.raises(NotScorable) as raised:
            level(straight(z_mm, np.where(z_mm > 100, 0.8, 0.4), 140.0), 20.0, np.zeros(len(z_mm)))
        assert raised.value.code == "landmarks_disagree"

    def test_two_signs_that_agree_elsewhere(self):
        z_mm = np.arange(0.0, 240.0, 3.0)
        outline = np.select([z_mm > 150, z_mm > 105], [0.9, 0.6], 0.3)
        with pytest.raises(NotScorable) as raised:
            level(straight(z_mm, outline, 190.0), 64.0, np.where(z_mm > 156, 5.0, 0.0))
        assert raised.value.code == "landmarks_disagree"
        assert level(straight(z_mm, outline, 190.0), 64.0, np.where(z_mm > 112, 5.0, 0.0)).z_mm < 115

    def test_no_aorta_above(self):
        z_mm = np.arange(0.0, 180.0, 3.0)
        with pytest.raises(NotScorable) as raised:
            level(straight(z_mm, np.full(len(z_mm), 0.2), 140.0), 60.0, np.where(z_mm > 104, 5.0, 0.0))
        assert raised.value.code == "left_main_not_found"

    def test_gas_in_the_stomach_is_no_bronchus(self):
        z_mm = np.arange(0.0, 180.0, 3.0)
        area = np.where(z_mm < 30, 4.0, np.where(z_mm > 120, 4.0, 0.0))
        assert bronchi_end(z_mm, area, 110.0) == pytest.approx(119, abs=4)
        assert bronchi_end(z_mm, np.zeros(len(z_mm)), 110.0) is None


def test_airway_but_not_the_lung(parts):
    grid, air, outline, skeleton = parts
    mask = airway(grid, outline, skeleton)
    trachea = tuple(grid.index(np.array([160.0, 158.0, 172.0])))
    assert mask[trachea]
    assert not (mask & air.mask).sum() > 0.02 * air.mask.sum()
    assert not mask[: grid.index(np.array([120.0, 0.0, 0.0]))[0]].any()
