"""The measure of naming: outlines painted, and shares by artery, on lesions drawn by hand."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from scoring.candidates import agatston
from scoring.images.volume import Volume
from scoring.result import ARTERIES

AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
LM, LAD, LCX, RCA = range(4)


@pytest.fixture(scope="module")
def naming(part):
    del part  # it makes the benchmarks importable
    return importlib.import_module("naming")


def volume(*boxes):
    hu = np.full((10, 40, 60), -100, np.int16)
    for z, (top, bottom), (left, right) in boxes:
        hu[z, top : bottom + 1, left : right + 1] = 350
    return Volume(hu, (3.0, 0.5, 0.5), (100.0, 50.0, -20.0), AXES, ())


def case(naming, truths, sees):
    """Two lesions of 24 pixels, the truth of each, and the one artery that the nets see everywhere."""
    image = volume((3, (5, 8), (5, 10)), (7, (25, 28), (40, 45)))
    candidates = agatston.candidates(image, naming.STANDARD)
    heart = SimpleNamespace(
        places=("none", *ARTERIES),
        likelihood=lambda points: np.array([np.full(len(points), float(name == sees)) for name in ("none", *ARTERIES)]),
        landmarks={},
    )
    truth = [np.full(len(item.voxels), value) for item, value in zip(candidates, truths, strict=True)]
    return naming.Case("drawn", image, heart, candidates, truth)


def test_an_outline_is_filled_in_its_slice(naming):
    image = volume()
    owner = np.zeros(image.hu.shape, np.uint8)
    corners = [(4, 10, 20), (4, 10, 30), (4, 16, 30), (4, 16, 20)]
    naming.paint(image, owner, image.to_patient(np.array(corners, float)), 3)
    assert owner[4, 10:17, 20:31].min() == 3
    assert np.count_nonzero(owner) == 7 * 11


def test_rows_count_agatston_by_true_and_given_artery(naming):
    row = naming.measure(case(naming, (LM, LCX), sees="LAD"))
    each = 24 * 0.25 * 3
    for given in row.given:
        assert given[LM, LAD] == pytest.approx(each)
        assert given[LCX, LAD] == pytest.approx(each)
        assert given.sum() == pytest.approx(2 * each)
    assert (row.parts, row.candidates) == (2, 2)


def test_left_main_and_anterior_descending_count_as_one_and_apart(naming):
    line = naming.format_row(naming.measure(case(naming, (LM, LCX), sees="LAD")))
    assert line[1:5] == ["50.0 %"] * 3 + ["0.0 %"]


def test_rows_are_joined(naming):
    rows = [naming.measure(case(naming, truths, "RCA")) for truths in ((RCA, RCA), (RCA, LAD))]
    joined = naming.join("all", rows)
    assert np.trace(joined.given[-1]) / joined.given[-1].sum() == pytest.approx(0.75)
    assert joined.parts == 4


class TestErringNets:
    @pytest.fixture
    def erring(self, part):
        return part("erring")

    def test_without_an_error_they_see_each_artery_where_its_calcium_is(self, erring, naming):
        patient = erring.draw_patient(300, 0.0, naming.STANDARD)
        found = np.concatenate([item.voxels for item in patient.candidates]) * np.asarray(patient.volume.spacing_mm)
        truth = np.concatenate(patient.truth)
        seen = patient.heart.likelihood(found)
        assert seen.sum(axis=0) == pytest.approx(np.ones(len(found)))
        assert (seen[1:].argmax(axis=0) == truth).mean() > 0.9

    def test_an_error_moves_what_they_see(self, erring, naming):
        patients = [erring.draw_patient(300, error, naming.STANDARD) for error in (0.0, 8.0)]
        points = patients[0].candidates[0].voxels * np.asarray(patients[0].volume.spacing_mm)
        right, wrong = (patient.heart.likelihood(points) for patient in patients)
        assert np.abs(right - wrong).max() > 0.2
        assert (patients[0].volume.hu == patients[1].volume.hu).all()

    def test_a_patient_without_calcium_is_none(self, erring, naming, monkeypatch):
        monkeypatch.setattr(erring, "calcifications", lambda *_, **__: ())
        assert erring.draw_patient(300, 4.0, naming.STANDARD) is None
