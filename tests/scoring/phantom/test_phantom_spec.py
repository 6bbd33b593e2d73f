from __future__ import annotations

from typing import Any

import pytest

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
