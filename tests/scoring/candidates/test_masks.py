"""Masks by others laid onto a volume: DICOM SEG and NIfTI, named and unnamed, right and wrong."""

from __future__ import annotations

import builtins

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from config.errors import ConfigurationError, NotScorable
from scoring.candidates import masks
from scoring.images import geometry, slices

SHAPE = (6, 12, 16)


def scan(paths):
    stack = geometry.stack_slices([item for path in paths for item in slices.read(path)])
    return geometry.decode(stack), stack.slices[0].plane.frame_of_reference_uid


@pytest.fixture
def paths(series):
    return series(np.full(SHAPE, 40, dtype=np.int16), PixelSpacing=[0.5, 0.75])


def boxes() -> dict[str, np.ndarray]:
    made = {name: np.zeros(SHAPE, dtype=bool) for name in ("LAD", "RCA", "something")}
    made["LAD"][1:3, 2:5, 3:7] = True
    made["RCA"][4, 8:10, 1:4] = True
    made["something"][2, 4:7, 6:9] = True  # overlaps LAD in one voxel, which stays LAD's
    return made


def expected_labels() -> np.ndarray:
    parts = boxes()
    return np.select([parts["LAD"], parts["RCA"], parts["something"]], [2, 4, 5])


def nifti(path, values, volume, *, reorder: bool = False):
    """Write (z, y, x) values as NIfTI, in RAS, with the volume's geometry."""
    affine = np.eye(4)
    affine[:3, :3] = volume.axes[:, ::-1] * np.asarray(volume.spacing_mm)[::-1]
    affine[:3, 3] = volume.origin_mm
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    data = values.transpose(2, 1, 0).astype(np.int16)
    image = nibabel.Nifti1Image(data, affine)
    if reorder:
        image = image.as_reoriented(nibabel.orientations.axcodes2ornt("SAL"))
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_segments_name_arteries(ct, paths, tmp_path, kind) -> None:
    volume, frame = scan(paths)
    parts = boxes()
    if kind == "LABELMAP":  # in which segments cannot overlap
        parts["something"] &= ~parts["LAD"]
    found = masks.load(ct.segmentation(paths, parts, tmp_path / "seg.dcm", kind), volume, frame)
    assert np.array_equal(found.labels, expected_labels())
    assert [name for name, _ in found.parts()] == ["LAD", "RCA", None]
    assert found.slices() == (1, 4)


@pytest.mark.parametrize("drawn", [(2,), (1, 4), (0, 5)])
def test_overlapping_slices_thicker_than_they_are_apart(ct, series, tmp_path, drawn) -> None:
    paths = series(np.full(SHAPE, 40, dtype=np.int16), step=1.5, SliceThickness=3)
    volume, frame = scan(paths)
    # frames only where something is: their number and distance do not tell how far slices are apart
    one = np.zeros(SHAPE, dtype=bool)
    for z in drawn:
        one[z, 2:5, 3:7] = True
    path = ct.segmentation(paths, {"LM": one}, tmp_path / "seg.dcm")
    seg = dcmread(path)
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SliceThickness == 3
    measures.pop("SpacingBetweenSlices", None)
    seg.save_as(path)
    assert np.array_equal(masks.load(path, volume, frame).labels, one)


def test_a_segmentation_of_the_same_scan_stored_otherwise(ct, paths, tmp_path) -> None:
    seg = ct.segmentation(paths, boxes(), tmp_path / "seg.dcm")
    turned = [
        ct.write(
            ct.turned(dcmread(path), transpose=True, flip_rows=True, flip_columns=False), tmp_path / "t" / path.name
        )
        for path in paths
    ]
    volume, frame = scan(turned)
    assert np.array_equal(masks.load(seg, volume, frame).labels, expected_labels())


def test_a_segment_named_by_its_code(ct, paths, tmp_path) -> None:
    path = ct.segmentation(paths, {"Herzkranzgefäß": boxes()["LAD"]}, tmp_path / "seg.dcm")
    seg = dcmread(path)
    seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = "59438005"
    seg.save_as(path)
    volume, frame = scan(paths)
    assert set(np.unique(masks.load(path, volume, frame).labels)) == {0, 2}


@pytest.mark.parametrize("reorder", [False, True])
def test_nifti_labels_are_arteries(paths, tmp_path, reorder) -> None:
    volume, frame = scan(paths)
    path = nifti(tmp_path / "mask.nii.gz", expected_labels(), volume, reorder=reorder)
    assert np.array_equal(masks.load(path, volume, frame).labels, expected_labels())


@pytest.mark.parametrize(("value", "label"), [(1, 5), (2, 2), (3, 3), (255, 5)])
def test_nifti_with_one_label(paths, tmp_path, value, label) -> None:
    volume, _ = scan(paths)
    one = boxes()["LAD"]
    found = masks.load(nifti(tmp_path / "mask.nii", one * value, volume), volume)
    assert np.array_equal(found.labels, one * label)


def test_a_coarser_mask_is_resampled(paths, tmp_path) -> None:
    volume, _ = scan(paths)
    # voxels of twice the size in the plane: its voxel [0, 0] covers four of the volume
    affine = np.diag([-1.5, -1.0, 3.0, 1.0])
    affine[:3, 3] = [-(12.5 + 0.375), -(-30.25 + 0.25), 0]
    coarse = np.zeros((8, 6, 6), dtype=np.int16)
    coarse[2, 1, 3] = 1
    nibabel.save(nibabel.Nifti1Image(coarse, affine), tmp_path / "mask.nii")
    found = masks.load(tmp_path / "mask.nii", volume)
    assert np.argwhere(found.labels).tolist() == [[3, y, x] for y in (2, 3) for x in (4, 5)]


def test_an_empty_mask_is_a_mask(paths, tmp_path) -> None:
    volume, _ = scan(paths)
    found = masks.load(nifti(tmp_path / "mask.nii", np.zeros(SHAPE), volume), volume)
    assert found.parts() == []
    assert found.slices() is None


def test_a_mask_of_elsewhere_is_refused(paths, series, tmp_path) -> None:
    volume, _ = scan(paths)
    far, _ = scan(series(np.full(SHAPE, 40, dtype=np.int16), start=500.0, folder="far"))
    path = nifti(tmp_path / "mask.nii", boxes()["LAD"], volume)
    with pytest.raises(NotScorable) as raised:
        masks.load(path, far)
    assert raised.value.code == "mask_mismatch"


def test_a_segmentation_of_another_frame_of_reference_is_refused(ct, paths, tmp_path) -> None:
    volume, _ = scan(paths)
    with pytest.raises(NotScorable, match="variant=frame"):
        masks.load(ct.segmentation(paths, boxes(), tmp_path / "seg.dcm"), volume, "1.2.3")


def test_what_is_no_mask(paths, tmp_path) -> None:
    volume, _ = scan(paths)
    (tmp_path / "text.nii").write_text("no mask")
    flat = nibabel.Nifti1Image(np.zeros((2, 2), dtype=np.int16), np.eye(4))
    nibabel.save(flat, tmp_path / "flat.nii")
    for path in (tmp_path / "none.dcm", tmp_path / "text.nii", tmp_path / "flat.nii", paths[0]):
        with pytest.raises(ConfigurationError, match=path.name):
            masks.load(path, volume)


def test_nifti_without_its_extra(paths, tmp_path, monkeypatch) -> None:
    volume, _ = scan(paths)
    path = nifti(tmp_path / "mask.nii", boxes()["LAD"], volume)
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "nibabel":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigurationError, match=r"coronode\[nifti\]"):
        masks.load(path, volume)
