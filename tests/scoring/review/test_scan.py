"""Scans opened again: in any stored order, as slabs, and never other images than those that were scored."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from config.errors import Permanent
from scoring import engine
from scoring.review.applying import apply_all
from scoring.review.edits import Add, EditRefused, Numbered, Split, Trim
from scoring.review.region import list_regions
from scoring.review.scan import open_scan


@pytest.mark.parametrize("turns", list(itertools.product((False, True), repeat=3)), ids=str)
def test_clicks_and_runs_are_stored_pixels_in_any_order(ct, case, turned_case, turns):
    transpose, flip_rows, flip_columns = turns
    turned = turned_case(transpose=transpose, flip_rows=flip_rows, flip_columns=flip_columns)
    row, column = 31, 41
    row, column = (63 - row if flip_rows else row), (63 - column if flip_columns else column)
    place = (5, column, row) if transpose else (5, row, column)
    (added,) = turned.correct(Add(place, "LM")).lesions
    assert added.agatston == 16 * 0.25 * 2 * 4
    inside = {(z, y, x + step) for z, y, x, length in added.runs for step in range(length)}
    assert place in inside
    assert len(inside) == 32
    same = case.region("A1", Add((5, 31, 41), "LM")).measured
    assert added.centroid_mm == pytest.approx(same.centroid_mm, abs=0.01)


@pytest.fixture
def thin(ct, series, tmp_path):
    """Slices of 1 mm, scored as means of three: a bar in images 4 to 9, mean of slabs 1 and 2 and a share of slab 3."""
    hu = np.full((24, 64, 64), 40, dtype=np.int16)
    hu[3:9, 10:14, 10:20] = 400
    hu[12:18, 40:44, 40:44] = 500
    paths = series(hu, step=1.0, SliceThickness=1)
    mask = ct.segmentation(paths, {"LAD": np.arange(64)[None, :, None] + np.zeros((24, 64, 64)) < 30}, tmp_path / "m")
    automatic = engine.score(paths, mask=mask)
    assert automatic.provenance.slab_slices == 3
    return paths, automatic


def test_slabs_are_clicked_in_their_images(thin):
    paths, automatic = thin
    scan = open_scan(paths, automatic)
    regions = list_regions(scan, automatic)
    after = apply_all(scan, regions, [Numbered(1, Add((13, 41, 41), "RCA")), Numbered(2, Trim("1", 3))])
    trimmed, added = after
    assert added.measured.slices == (12, 13, 14, 15, 16, 17)
    assert added.measured.agatston == 16 * 0.25 * 2 * 4
    assert trimmed.measured.slices == (6, 7, 8)
    assert trimmed.measured.agatston == automatic.lesions[0].agatston / 2
    halves = apply_all(scan, regions, [Numbered(1, Split("1", (4, 11, 15)))])
    assert sum(item.measured.agatston for item in halves) == automatic.lesions[0].agatston


def test_images_that_fill_no_slab_cannot_be_clicked(ct, series, tmp_path):
    hu = np.full((23, 64, 64), 40, dtype=np.int16)
    hu[3:9, 10:14, 10:20] = 400
    paths = series(hu, step=1.0, SliceThickness=1)
    mask = ct.segmentation(paths, {"LAD": np.ones(hu.shape, dtype=bool)}, tmp_path / "m")
    automatic = engine.score(paths, mask=mask)
    scan = open_scan(paths, automatic)
    with pytest.raises(EditRefused, match="outside"):
        apply_all(scan, list_regions(scan, automatic), [Numbered(1, Add((22, 11, 11), "LM"))])


def test_other_images_than_those_that_were_scored_are_refused(case, series):
    others = np.full((12, 64, 64), 40, dtype=np.int16)
    paths = series(others, folder="others")
    with pytest.raises(Permanent, match="score the series again"):
        open_scan(paths, case.automatic)
    with pytest.raises(Permanent, match="score the series again"):
        open_scan(case.files[:-1], case.automatic)


@pytest.mark.parametrize("run", [(3, 5, 5, 100), (99, 5, 5, 1), (3, 64, 5, 1), (3, 5, -1, 1)])
def test_runs_outside_the_images_are_refused(case, run):
    first = dataclasses.replace(case.automatic.lesions[0], runs=(run,))
    with pytest.raises(Permanent, match="score the series again"):
        open_scan(case.files, dataclasses.replace(case.automatic, lesions=(first,)))


def test_a_convention_of_another_version_is_refused(case):
    origin = dataclasses.replace(case.automatic.provenance, convention="of-tomorrow")
    with pytest.raises(Permanent, match="of-tomorrow"):
        open_scan(case.files, dataclasses.replace(case.automatic, provenance=origin))
