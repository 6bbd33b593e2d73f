"""Lesions of readers' outlines and of phantoms, what is measured of them, and when percentiles overlap."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

from scoring.images.volume import Volume
from scoring.phantom import Calcification, PhantomSpec, make_phantom

from .conftest import BENCH


@pytest.fixture(scope="module")
def room():
    """Import a module of bench."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield importlib.import_module


@pytest.fixture(scope="module")
def lesion(room):
    return room("calcium.lesion")


@pytest.fixture(scope="module")
def measures(room):
    return room("calcium.measures")


@pytest.fixture
def cube(lesion):
    """A cube of calcium of 4 x 4 x 4 mm and 300 HU in fat to its left and muscle to its right."""
    hu = np.full((20, 40, 40), -100, np.int16)
    hu[:, :, :20] = 50
    hu[8:12, 18:22, 18:22] = 300
    volume = Volume(hu, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[::-1], ())
    voxels = np.argwhere(hu == 300)
    return lesion.Case("cube", volume, (lesion.Lesion("LAD", voxels),))


def test_a_cube_has_its_size_and_its_look(cube, measures):
    (found,) = measures.measure(cube, None)
    assert found["volume, mm3"] == 64
    assert found["length, mm"] == pytest.approx(4 * math.sqrt(3))
    assert found["slices"] == 4
    assert found["peak, HU"] == found["mean, HU"] == 300
    assert math.isnan(found["own artery's likelihood"])


def test_half_of_the_tissue_beside_it_is_fat(cube, measures):
    (found,) = measures.measure(cube, None)
    assert found["fat near, share"] == pytest.approx(0.5, abs=0.06)
    assert found["muscle and blood near, share"] == pytest.approx(0.5, abs=0.06)
    assert found["lung near, share"] == 0
    assert found["darkest tissue near, HU"] == pytest.approx(-100, abs=1)


def test_dark_lung_is_no_fat(cube, measures):
    cube.volume.hu[:, :, 20:][cube.volume.hu[:, :, 20:] < 0] = -850
    (found,) = measures.measure(cube, None)
    assert found["lung near, share"] == pytest.approx(0.5, abs=0.12)
    assert found["fat near, share"] < 0.1


def test_specks_under_a_square_millimetre_are_left_out(cube, lesion, measures):
    small = Volume(cube.volume.hu, (3.0, 0.4, 0.4), (0.0, 0.0, 0.0), np.eye(3)[::-1], ())
    assert not list(
        measures.measure(lesion.Case("few", small, (lesion.Lesion("RCA", np.argwhere(small.hu == 300)[:4]),)), None)
    )


def test_an_outline_is_filled_and_parts_of_an_artery_are_told_apart(lesion):
    hu = np.zeros((4, 30, 30), np.int16)
    hu[1:3, 5:10, 5:10] = 400
    hu[2, 20:23, 20:23] = 400
    hu[1, 7, 7] = 100
    volume = Volume(hu, (3.0, 0.5, 0.5), (10.0, 20.0, 30.0), np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]]), ())

    def outline(z, low, high):
        corners = [(low, low), (low, high), (high, high), (high, low)]
        return {"artery": "LAD", "points_mm": [[10 + 0.5 * x, 20 + 0.5 * y, 30 + 3 * z] for y, x in corners]}

    found = lesion.outlined("two", volume, [outline(1, 4, 10), outline(2, 5, 9), outline(2, 20, 22)]).lesions
    # The pixel of 100 HU is no calcium.
    assert [len(part.voxels) for part in found] == [24 + 25, 9]
    assert {part.artery for part in found} == {"LAD"}


def test_the_calcium_of_a_phantom_lies_where_its_truth_says(lesion):
    spec = PhantomSpec(
        seed=1,
        matrix=200,
        field_of_view_mm=150,
        above_left_main_mm=9,
        below_left_main_mm=24,
        noise_sd_hu=0,
        distractors=False,
        calcifications=(Calcification("LAD", 0.1, 3.5, 800.0, 7.0), Calcification("LM", 0.5, 3.0, 700.0, 4.0)),
    )
    phantom = make_phantom(spec)
    case = lesion.of_phantom(phantom)
    area = phantom.spacing_mm[1] * phantom.spacing_mm[2]
    for artery in ("LM", "LAD"):
        voxels = np.concatenate([part.voxels for part in case.lesions if part.artery == artery])
        expected = getattr(phantom.truth.volume_score_mm3, artery)
        assert len(voxels) * area * phantom.spacing_mm[0] == pytest.approx(expected, rel=0.15)


def test_percentiles_overlap_within_a_quarter_of_the_width(room):
    lesions = room("lesions")
    real = [np.array([0.0, 5.0, 10.0]), np.array([2.0, 6.0, 12.0])]
    assert lesions.overlap(np.array([-2.4, 8.4, 14.6]), real, 10.0) == [True, True, False]
    assert lesions.overlap(np.full(3, np.nan), real, 10.0) == [False, False, False]


def test_percentiles_leave_out_what_was_not_measured(room):
    lesions = room("lesions")
    assert lesions.percentiles([1.0, math.nan, 3.0]) == pytest.approx([1.2, 2.0, 2.8])
    assert np.isnan(lesions.percentiles([math.nan])).all()
