from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.phantom import Calcification, PhantomSpec
from scoring.result import ARTERIES


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"artery": "PDA"}, "artery"),
        ({"position": 1.2}, "position"),
        ({"diameter_mm": 0.0}, "diameter_mm"),
        ({"hu": -5.0}, "hu"),
        ({"length_mm": 1.0}, "length_mm"),
    ],
)
def test_impossible_calcification_is_refused(change: dict[str, Any], named: str) -> None:
    good: dict[str, Any] = {"artery": "LAD", "position": 0.5, "diameter_mm": 3.0, "hu": 500.0}
    with pytest.raises(ValueError, match=named):
        Calcification(**good | change)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"slice_thickness_mm": 0.0}, "slice_thickness_mm"),
        ({"matrix": 4}, "matrix"),
        ({"noise_sd_hu": -1.0}, "noise_sd_hu"),
        ({"seed": -1}, "seed"),
        ({"study_date": "2024-01-02"}, "study_date"),
        ({"above_left_main_mm": 30.0, "below_left_main_mm": -29.0}, "slices"),
    ],
)
def test_impossible_scan_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        PhantomSpec(**change)


def test_default_patient_has_calcium_in_every_artery() -> None:
    assert {lesion.artery for lesion in PhantomSpec().lesions} == set(ARTERIES)
    assert PhantomSpec(calcifications=()).lesions == ()


def volume(piece: Calcification) -> float:
    """mm3 of a rod with round ends."""
    d, length = piece.diameter_mm, piece.length_mm or piece.diameter_mm
    return math.pi * (d**2 / 4 * (length - d) + d**3 / 6)


@given(st.floats(0.05, 4), st.floats(1, 6), st.none() | st.floats(6, 14))
def test_a_piece_is_scaled_by_its_volume(factor: float, diameter: float, length: float | None) -> None:
    piece = Calcification("LAD", 0.5, diameter, 500.0, length)
    scaled = piece.scaled(factor)
    assert volume(scaled) == pytest.approx(factor * volume(piece), rel=1e-3)
    assert (scaled.artery, scaled.position, scaled.hu) == (piece.artery, piece.position, piece.hu)
    assert scaled.diameter_mm <= diameter


def test_a_piece_that_gets_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="length_mm"):
        Calcification("LAD", 0.5, 3.0, 500.0, 5.0).scaled(50)
