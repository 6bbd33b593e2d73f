"""Arteries of lesions drawn by hand, decided together; the nets' probabilities are given."""

from types import SimpleNamespace

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement import arteries
from scoring.judgement.naming.courses import LANDMARKS
from scoring.result import ARTERIES

STANDARD = conventions.named("standard")
SPACING = (3.0, 0.8, 0.8)
SHAPE = (30, 60, 80)
PIXEL_MM2 = 0.64
# Oblique slices: an index is no position.
AXES = np.array([[0.0, 0.0, 1.0], [0.6, 0.8, 0.0], [0.8, -0.6, 0.0]])
ORIGIN = (100.0, -50.0, 700.0)
# The LAD runs along x = 20 mm, the LCX along 44 mm: half way, at 32 mm, is column 40.
BORDER = 40


def heart(places=("none", *ARTERIES), reach=6.0, **lines):
    """Nets that see courses along z and y at some x in mm; no landmarks."""
    lines = lines or {"LAD": 20.0, "LCX": 44.0}

    def likelihood(points):
        odds = [
            np.exp(-0.5 * ((points[:, 2] - lines[name]) / reach) ** 2) if name in lines else np.full(len(points), 1e-9)
            for name in places
        ]
        return np.array(odds) / (np.sum(odds, axis=0) + 0.1)

    return SimpleNamespace(places=places, likelihood=likelihood, landmarks={})


def painted(*boxes, spacing=SPACING):
    """Boxes z, rows, columns (first, last) and HU in fat."""
    hu = np.full(SHAPE, -100, np.int16)
    for z, (top, bottom), (left, right), value in boxes:
        hu[z, top : bottom + 1, left : right + 1] = value
    return Volume(hu, spacing, ORIGIN, AXES, ())


def named(volume, where=None, convention=STANDARD):
    found = agatston.candidates(volume, convention)
    return found, arteries.divide(volume, convention, where or heart(), found)


def names(found):
    return [[artery for artery, _ in parts] for parts in found]


def test_nothing_to_name():
    assert arteries.divide(painted(), STANDARD, heart(), []) == []


def test_each_lesion_gets_the_artery_that_the_nets_see():
    whole, found = named(painted((10, (20, 23), (22, 27), 350), (20, (20, 23), (52, 57), 450)))
    assert found == [[("LAD", whole[0])], [("LCX", whole[1])]]


def test_an_artery_that_the_nets_do_not_name_is_never_given():
    _, found = named(painted((10, (20, 23), (22, 27), 350)), heart(("none", "LM", "RCA"), LM=20.0, RCA=60.0))
    assert names(found) == [["LM"]]


class TestOverADivision:
    @pytest.fixture
    def volume(self):
        """One component of 22 mm on either side of the border: of 450 HU on the LAD, of 250 HU on the LCX."""
        return painted((10, (20, 23), (13, BORDER - 1), 450), (10, (20, 23), (BORDER, 67), 250))

    def test_a_component_is_parted_inside_its_slice(self, volume):
        (whole,), (parts,) = named(volume)
        assert [artery for artery, _ in parts] == ["LAD", "LCX"]
        for artery, part in parts:
            on_lad = part.voxels[:, 2] < BORDER
            assert (on_lad if artery == "LAD" else ~on_lad).mean() > 0.9
        assert sum(len(part.voxels) for _, part in parts) == len(whole.voxels)

    def test_the_score_is_the_components(self, volume):
        (whole,), (parts,) = named(volume)
        assert whole.agatston == pytest.approx(4 * 55 * PIXEL_MM2 * 4)
        assert sum(part.agatston for _, part in parts) == pytest.approx(whole.agatston, rel=1e-12)
        # 27 columns of weight 4 against 28 of weight 2; the border may lie a cell of 3 mm aside
        assert parts[0][1].agatston / whole.agatston == pytest.approx(27 * 4 / (27 * 4 + 28 * 2), abs=0.1)

    @pytest.mark.parametrize("name", ["standard", "siemens", "philips"])
    def test_volumes_add_up_in_every_convention(self, volume, name):
        (whole,), (parts,) = named(volume, convention=conventions.named(name))
        assert len(parts) == 2
        assert sum(part.volume_mm3 for _, part in parts) == pytest.approx(whole.volume_mm3)

    def test_the_volume_is_left_as_it_is(self, volume):
        before = volume.hu.copy()
        named(volume)
        assert (volume.hu == before).all()

    def test_a_short_overhang_is_not_parted(self):
        """20 mm on the LAD, one pixel beyond the border."""
        whole, found = named(painted((10, (20, 23), (15, BORDER), 350)))
        assert found == [[("LAD", whole[0])]]


class TestTogether:
    def test_what_lies_between_the_courses_follows_its_neighbours_in_line(self):
        """A dot that the nets give to the LCX by a hair, between two lesions of the LAD above and below it."""
        where = heart(LAD=20.0, LCX=43.6)
        dot = (10, (20, 22), (39, 41), 300)
        assert names(named(painted(dot), where)[1]) == [["LCX"]]
        above, below = ((z, (18, 24), (34, 38), 400) for z in (8, 12))
        assert names(named(painted(above, dot, below), where)[1]) == [["LAD"]] * 3

    def test_two_plates_side_by_side_are_two_vessels(self):
        """Two parallel plates in the same slice on the side of the LAD; the outer one is in doubt."""
        lad = (10, (5, 50), (24, 27), 400)
        outer = (10, (5, 50), (37, 40), 400)
        where = heart(reach=14.0, LAD=20.0, LCX=42.4)
        alone = names(named(painted(outer), where)[1])
        assert alone == [["LAD"]]
        assert names(named(painted(lad, outer), where)[1]) == [["LAD"], ["LCX"]]

    def test_the_order_of_the_candidates_does_not_matter(self):
        rng = np.random.default_rng(4)
        boxes = [
            (int(z), (int(y), int(y) + 4), (int(x), int(x) + 8), 350)
            for z, y, x in zip(rng.integers(2, 28, 25), rng.integers(2, 50, 25), rng.integers(5, 66, 25), strict=True)
        ]
        volume = painted(*boxes)
        found = agatston.candidates(volume, STANDARD)
        assert len(found) > 10
        forth = arteries.divide(volume, STANDARD, heart(), found)
        back = arteries.divide(volume, STANDARD, heart(), found[::-1])
        assert names(back[::-1]) == names(forth)


class TestLandmarks:
    """Nets that are in doubt; the ostia and the published courses decide."""

    ostium = painted().to_patient(np.array([20.0, 25.0, 30.0]))

    def seen(self, volume, names_of=tuple(LANDMARKS)):
        """Landmarks where the published ones lie from an ostium in patient coordinates, as the nets tell them."""
        spacing = np.asarray(volume.spacing_mm)
        unsure = heart(**dict.fromkeys(ARTERIES, 30.0), reach=1e6)
        return SimpleNamespace(
            places=unsure.places,
            likelihood=unsure.likelihood,
            landmarks={
                name: SimpleNamespace(
                    place_mm=volume.to_index(self.ostium + LANDMARKS[name][0]) * spacing, spread_mm=3.0, certainty=1.0
                )
                for name in names_of
            },
        )

    def dot(self, *offset):
        """A dot of 3 x 3 pixels at a place from the ostium."""
        empty = painted()
        z, y, x = np.rint(empty.to_index(self.ostium + np.asarray(offset, float))).astype(int)
        assert all(2 <= index < side - 2 for index, side in zip((z, y, x), SHAPE, strict=True))
        return painted((z, (y - 1, y + 1), (x - 1, x + 1), 400))

    @pytest.mark.parametrize(
        ("artery", "offset"),
        [("LM", (3, 0, 0)), ("LAD", (28, -14, -2)), ("LCX", (22, 11, -18)), ("RCA", (-18, -33, -18))],
    )
    def test_a_place_on_a_published_course(self, artery, offset):
        volume = self.dot(*offset)
        assert names(named(volume, self.seen(volume))[1]) == [[artery]]

    def test_beyond_the_division_nothing_is_left_main(self):
        """The nets see the left main there, and little else."""
        volume = self.dot(28, -14, -2)
        where = self.seen(volume)
        sure = {"none": 0.1, "LM": 0.7, "LAD": 0.2}
        where.likelihood = lambda points: np.array([np.full(len(points), sure.get(name, 0.0)) for name in where.places])
        assert names(named(volume, where)[1]) == [["LAD"]]
        where.landmarks = {}
        assert names(named(volume, where)[1]) == [["LM"]]
