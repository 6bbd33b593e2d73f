"""Series that must not be scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from scoring.phantom import METAL_IN_HEART, UNFIT_KINDS, UnfitKind, draw, draw_unfit


@pytest.mark.parametrize("kind", UNFIT_KINDS)
def test_each_kind_has_a_spec_for_every_seed(kind: UnfitKind) -> None:
    for seed in range(30):
        series = draw_unfit(kind, seed)
        assert series == draw_unfit(kind, seed)
        assert series.kind == kind
        # One reason is enough.
        assert METAL_IN_HEART.isdisjoint(series.spec.distractor_kinds)
        assert series.spec.seed == draw(seed).seed


def test_each_kind_matches_its_name() -> None:
    assert draw_unfit("contrast", 1).spec.contrast
    assert draw_unfit("abdomen", 1).spec.above_left_main_mm < -70
    assert draw_unfit("cropped above", 1).spec.above_left_main_mm < 0
    assert draw_unfit("cropped below", 1).spec.below_left_main_mm <= 50
    assert draw_unfit("noise", 1).spec.noise_sd_hu == 40
    assert draw_unfit("noise", 1).spec.lesions == ()
    assert draw_unfit("thick slices", 1).spec.slice_thickness_mm == 8
    for seed in range(20):
        spec = draw_unfit("missing slices", seed).spec
        below = [spec.below_left_main_mm - k * spec.slice_increment_mm for k in spec.missing_slices]
        assert min(below) > 14
        assert max(below) < 65
        assert len(below) >= 2


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="fog"):
        draw_unfit("fog", 1)  # type: ignore[arg-type]


def test_a_localizer_is_one_projection(tmp_path: Path) -> None:
    (path,) = draw_unfit("localizer", 2).write(tmp_path)
    ds = pydicom.dcmread(path)
    assert ds.ImageType[2] == "LOCALIZER"
    assert [float(v) for v in ds.ImageOrientationPatient] == [1, 0, 0, 0, 0, -1]
    image = ds.pixel_array.astype(int) + int(ds.RescaleIntercept)
    # The spine in the middle is brighter than the lungs beside it.
    row = image[len(image) // 3]
    middle = len(row) // 2
    assert row[middle - 5 : middle + 5].mean() > np.sort(row[20:-20])[:20].mean() + 100
    assert not (tmp_path / "truth.json").exists()
