from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pydicom
import pytest

from scoring.phantom import PatientPosition, Phantom, PhantomSpec, make_phantom, write_series

POSITIONS = get_args(PatientPosition)


def patient(position: PatientPosition) -> Phantom:
    return make_phantom(
        PhantomSpec(matrix=64, above_left_main_mm=9, below_left_main_mm=21, noise_sd_hu=0, patient_position=position)
    )


@pytest.mark.parametrize("position", POSITIONS)
def test_every_stored_voxel_is_where_its_header_says(position: PatientPosition, tmp_path: Path) -> None:
    phantom = patient(position)
    for path in write_series(phantom, tmp_path):
        ds = pydicom.dcmread(path)
        assert ds.PatientPosition == position
        stored = ds.pixel_array.astype(int) * int(ds.RescaleSlope) + int(ds.RescaleIntercept)
        across, down = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
        origin, (dy, dx) = np.array(ds.ImagePositionPatient, float), map(float, ds.PixelSpacing)
        for row, column in ((0, 0), (5, 40), (63, 12)):
            where = origin + column * dx * across + row * dy * down
            x, y, z = np.rint((where - phantom.origin_mm) / phantom.spacing_mm[::-1]).astype(int)
            assert stored[row, column] == phantom.hu[z, y, x]


def test_it_is_the_same_patient_in_another_series(tmp_path: Path) -> None:
    first = {p: pydicom.dcmread(write_series(patient(p), tmp_path / p)[0]) for p in POSITIONS}
    assert len({ds.SeriesInstanceUID for ds in first.values()}) == 4
    assert len({ds.StudyInstanceUID for ds in first.values()}) == 1
    assert len({(tmp_path / p / "truth.json").read_bytes() for p in POSITIONS}) == 1
    assert len({ds.PixelData for ds in first.values()}) == 4
    # Feet first, the feet enter the gantry first.
    assert first["FFS"].ImagePositionPatient[2] < first["HFS"].ImagePositionPatient[2]


def test_unknown_position_is_refused() -> None:
    with pytest.raises(ValueError, match="patient_position"):
        PhantomSpec(patient_position="HFDR")  # type: ignore[arg-type]
