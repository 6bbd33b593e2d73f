"""The published results of one scan of the QRM phantom (van Praagh et al., Med Phys 2021)."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

from config.settings import ScoringSettings
from scoring import engine
from scoring.images import geometry, slices

RADIUS_MM = 7.0


@pytest.fixture(scope="module")
def phantom(ct):
    folder = ct.reference / "qrm"
    if not folder.is_dir():
        pytest.skip(f"the QRM scan is not at {folder}")
    reference = json.loads((folder / "reference.json").read_text())
    paths = sorted((folder / "dicom").iterdir())
    volume = geometry.decode(geometry.stack_slices([item for path in paths for item in slices.read(path)]))
    spheres = {
        name: ball(volume, np.asarray(insert["center_mm"]))
        for name, insert in reference["inserts"].items()
        if "center_mm" in insert
    }
    return reference, paths, volume, spheres


def ball(volume, centre) -> np.ndarray:
    inside = np.zeros(volume.hu.shape, dtype=bool)
    middle = np.rint(volume.to_index(centre)).astype(int)
    reach = np.ceil(RADIUS_MM / np.asarray(volume.spacing_mm)).astype(int) + 1
    box = tuple(slice(low, high) for low, high in zip(middle - reach, middle + reach + 1, strict=True))
    index = np.moveaxis(np.mgrid[box], 0, -1)
    inside[box] = np.linalg.norm(volume.to_patient(index) - centre, axis=-1) <= RADIUS_MM
    return inside


@pytest.mark.realdata
@pytest.mark.parametrize("kind", ["seg", "nifti"])
def test_inserts_score_as_published(ct, phantom, tmp_path, kind) -> None:
    reference, paths, volume, spheres = phantom
    if kind == "seg":
        mask = ct.segmentation(paths, spheres, tmp_path / "mask.dcm")
    else:
        affine = np.eye(4)
        affine[:3, :3] = volume.axes[:, ::-1] * np.asarray(volume.spacing_mm)[::-1]
        affine[:3, 3] = volume.origin_mm
        inside = np.any(list(spheres.values()), axis=0).transpose(2, 1, 0).astype(np.uint8)
        mask = tmp_path / "mask.nii.gz"
        nibabel.save(nibabel.Nifti1Image(inside, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine), mask)
    found = engine.score(paths, ScoringSettings(mass_factor=reference["mass_calibration_factor"]), mask=mask)
    assert found.status == "scored"
    for name, sphere in spheres.items():
        expected = reference["inserts"][name]
        inside = [
            lesion
            for lesion in found.lesions
            if sphere[tuple(np.rint(volume.to_index(np.asarray(lesion.centroid_mm))).astype(int))]
        ]
        assert sum(lesion.agatston for lesion in inside) == pytest.approx(expected["agatston"], abs=0.01)
        assert sum(lesion.volume_mm3 for lesion in inside) == pytest.approx(expected["volume_mm3"], rel=0.005)
        assert sum(lesion.mass_mg for lesion in inside) == pytest.approx(expected["mass_mg"], rel=0.01)
    assert found.agatston.total == pytest.approx(
        sum(reference["inserts"][name]["agatston"] for name in spheres), abs=0.01 * len(spheres)
    )
