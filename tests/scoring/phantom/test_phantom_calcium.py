from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.phantom.calcium import MASS_FACTOR, Deposit, place_calcification, render_deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.heart import inward
from scoring.phantom.scan import Scan
from scoring.phantom.spec import Calcification, PhantomSpec
from scoring.phantom.thorax import Thorax
from scoring.phantom.truth import Placed, score_calcifications

offsets = st.floats(-2.0, 2.0)


@given(
    place=st.tuples(offsets, offsets, offsets),
    radius=st.floats(0.6, 3.0),
    scan=st.sampled_from(
        [
            PhantomSpec(),
            PhantomSpec(matrix=256, slice_thickness_mm=1.5, slice_increment_mm=1.5),
            PhantomSpec(slice_increment_mm=1.5),
            PhantomSpec(slice_increment_mm=1.5, slice_profile="triangular"),
        ]
    ),
)
def test_calcium_is_neither_lost_nor_created(
    place: tuple[float, float, float], radius: float, scan: PhantomSpec
) -> None:
    """The added HU times voxel volume add up to the solid's volume times its HU, wherever it lies."""
    sphere = Deposit(np.add(place, (28.0, -8.0, -40.0))[None], radius, 500.0)
    sampled = Scan.of(scan)
    rendered = render_deposit(sphere, sampled)
    assert rendered is not None
    dz, dy, dx = sampled.spacing_mm
    # Overlapping slices contain everything (thickness / increment) times.
    solid = 4 / 3 * np.pi * radius**3 * 500
    assert rendered[1].sum(dtype=np.float64) * dz * dy * dx == pytest.approx(solid, rel=0.01)
    # The PSF can lower the peak, never raise it.
    assert rendered[1].max() <= 500 * 1.001


def test_volume_and_mass_are_those_of_the_solid() -> None:
    line = np.stack([np.linspace(0, 6, 25), np.zeros(25), np.zeros(25)], axis=1)
    rod = Deposit(line, 1.5, 640.0)
    volume = np.pi * 1.5**2 * 6 + 4 / 3 * np.pi * 1.5**3
    assert rod.volume_mm3 == pytest.approx(volume, rel=0.01)
    assert rod.mass_mg == pytest.approx(volume * 640 * MASS_FACTOR / 1000, rel=0.01)


def test_calcium_outside_the_scan_is_not_rendered() -> None:
    assert render_deposit(Deposit(np.array([[28.0, -8.0, 300.0]]), 2.0, 500.0), Scan.of(PhantomSpec())) is None


def test_thick_slices_dilute_a_thin_deposit() -> None:
    flake = Deposit(np.array([[28.0, -8.0, -39.0]]), 1.0, 900.0)
    peaks = []
    for thickness in (1.5, 3.0, 6.0):
        rendered = render_deposit(flake, Scan.of(PhantomSpec(slice_thickness_mm=thickness, slice_increment_mm=1.5)))
        assert rendered is not None
        peaks.append(float(rendered[1].max()))
    assert peaks[0] > peaks[1] > peaks[2]
    # Slices are thicker than the deposit: twice the thickness halves the peak.
    assert peaks[2] == pytest.approx(peaks[1] / 2, rel=0.02)


@pytest.fixture(scope="module")
def patient() -> tuple[Thorax, CoronaryTree]:
    thorax = Thorax.draw(4, 0.7)
    return thorax, CoronaryTree.grow(thorax)


def test_calcium_lies_in_the_wall_more_often_on_the_side_of_the_muscle(patient: tuple[Thorax, CoronaryTree]) -> None:
    thorax, tree = patient
    lesion = Calcification("LAD", 0.4, 2.0, 600.0)
    on_course = tree.point("LAD", 0.4)
    moved = np.array([place_calcification(thorax, tree, lesion, 4, k).centre - on_course for k in range(60)])
    assert (np.linalg.norm(moved, axis=1) < 2.3).all()
    deeper = moved @ inward(thorax, on_course[None])[0]
    assert np.mean(deeper > 0) > 0.75
    assert deeper.min() < 0.2


def test_calcium_of_a_branch_lies_there_and_counts_round_again(patient: tuple[Thorax, CoronaryTree]) -> None:
    thorax, tree = patient
    own = [curve for owner, curve in tree.branches if owner == "LAD"]
    assert own
    for branch in (1, len(own) + 1):
        centre = place_calcification(thorax, tree, Calcification("LAD", 0.5, 2.0, 600.0, 4.0, branch), 4, 0).centre
        assert np.linalg.norm(own[0].points - centre, axis=1).min() < 2


def test_calcium_of_a_missing_branch_lies_in_the_artery(patient: tuple[Thorax, CoronaryTree]) -> None:
    thorax, tree = patient
    bare = CoronaryTree(tree.arteries)
    centre = place_calcification(thorax, bare, Calcification("LCX", 0.3, 2.0, 600.0, 4.0, 2), 4, 0).centre
    assert np.linalg.norm(tree.arteries["LCX"].points - centre, axis=1).min() < 2.3


def test_a_component_of_two_calcifications_is_shared_by_area_and_maximum() -> None:
    """10 pixels of 150 HU and 5 of 450: the weights are 1 and 4, so the shares are 10 and 20 of the whole."""
    wide, bright = np.zeros((1, 1, 15), np.float32), np.zeros((1, 1, 15), np.float32)
    wide[..., :10], bright[..., 10:] = 150, 450
    box = (slice(0, 1), slice(2, 3), slice(3, 18))
    deposit = Deposit(np.zeros((1, 3)), 1.0, 1.0)
    placed = tuple(
        Placed(Calcification(artery, 0.5, 2.0, 600.0), deposit, (0.0, 0.0, 0.0), (box, hu))
        for artery, hu in (("LM", wide), ("LAD", bright))
    )
    scores = score_calcifications(np.zeros((1, 6, 20), np.float32), placed, (3.0, 1.0, 1.0))
    assert scores == [pytest.approx((60 / 3, 30)), pytest.approx((60 * 2 / 3, 15))]
