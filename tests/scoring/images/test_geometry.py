"""Slices in order: spacing from positions, gaps, duplicates, tilt, other orders of rows and columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NotScorable
from scoring.images import geometry, slices
from scoring.images.volume import Gap, StoredOrder, Volume
from scoring.result import ImageRef


def stacked(paths) -> geometry.Stack:
    return geometry.stack_slices([item for path in paths for item in slices.read(path)])


def noise(number: int = 6, size: tuple[int, int] = (8, 10)) -> np.ndarray:
    return np.random.default_rng(3).integers(-100, 900, (number, *size)).astype(np.int16)


def test_spacing_is_that_of_the_positions(series) -> None:
    found = stacked(series(noise(), step=1.5, SliceThickness=3, SliceLocation=77, SpacingBetweenSlices=3))
    assert found.spacing_mm == (1.5, 0.5, 0.5)
    assert (found.gaps, found.tilt_deg, found.duplicates) == ((), 0.0, 0)


def test_file_order_and_names_do_not_matter(series) -> None:
    paths = series(noise())
    volume = geometry.decode(stacked(paths))
    again = geometry.decode(stacked([paths[index] for index in (4, 0, 5, 2, 1, 3)]))
    assert np.array_equal(volume.hu, noise())
    assert np.array_equal(again.hu, volume.hu)
    assert again.images == volume.images
    assert volume.origin_mm == (12.5, -30.25, 0.0)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("flip_rows", [False, True])
@pytest.mark.parametrize("flip_columns", [False, True])
def test_other_orders_of_rows_and_columns_are_undone(ct, tmp_path, transpose, flip_rows, flip_columns) -> None:
    hu, plain, turned = noise(), [], []
    for index, image in enumerate(hu):
        one = ct.image(image, ImagePositionPatient=[12.5, -30.25, 3 * index], PixelSpacing=[0.5, 0.75])
        other = ct.turned(one, transpose=transpose, flip_rows=flip_rows, flip_columns=flip_columns)
        plain.append(ct.write(one, tmp_path / "plain" / f"{index}.dcm"))
        turned.append(ct.write(other, tmp_path / "turned" / f"{9 - index}.dcm"))
    one, other = geometry.decode(stacked(plain)), geometry.decode(stacked(turned))
    assert np.array_equal(one.hu, other.hu)
    assert one.spacing_mm == other.spacing_mm == (3.0, 0.5, 0.75)
    assert other.origin_mm == pytest.approx(one.origin_mm)
    assert np.allclose(one.axes, other.axes)
    # the way back: the stored pixel of a voxel is the voxel
    z, row, column = other.stored.to_stored(np.asarray([[4, 2, 7]], dtype=np.int32))[0]
    stored = np.frombuffer(slices_pixels(turned[z]), dtype="<i2").reshape(other.stored.rows, other.stored.columns)
    assert stored[row, column] - 1024 == hu[4, 2, 7]


def slices_pixels(path) -> bytes:
    import pydicom  # noqa: PLC0415

    return pydicom.dcmread(path).PixelData


def test_missing_slices_are_a_gap(series) -> None:
    places = [0, 3, 6, 15, 18, 21]
    found = stacked(series(noise(), positions=places))
    assert found.spacing_mm[0] == 3.0
    assert found.gaps == (Gap(after=2, missing=2),)
    volume = geometry.decode(found)
    indices = np.asarray([[z, 0, 0] for z in range(6)], dtype=float)
    assert volume.to_patient(indices)[:, 2].tolist() == places
    assert volume.to_patient(np.asarray([-1.0, 0, 0]))[2] == -3
    assert volume.to_index(volume.to_patient(indices + 0.25)) == pytest.approx(indices + 0.25)


def test_positions_rounded_by_the_scanner_are_even(series) -> None:
    found = stacked(series(noise(), positions=[0.0, 0.6, 1.3, 1.9, 2.5, 3.1]))
    assert found.gaps == ()
    assert found.spacing_mm[0] == pytest.approx(0.62)
    assert geometry.decode(found).offsets_mm is None


@pytest.mark.parametrize("places", [[0, 3, 4, 6, 9, 10], [0, 1, 5, 9, 11, 12], [0, 3, 6, 9, 12, 12.5]])
def test_uneven_slices_are_refused(series, places) -> None:
    with pytest.raises(NotScorable) as raised:
        stacked(series(noise(), positions=places))
    assert raised.value.code == "irregular_slices"


def test_the_same_image_twice_counts_once(series) -> None:
    paths = series(noise()) + series(noise()[2:4], start=6.0, folder="again")
    found = stacked(paths)
    assert (len(found.slices), found.duplicates, found.spacing_mm[0]) == (6, 2, 3.0)


def test_different_images_at_one_position_are_refused(series) -> None:
    paths = series(noise()) + series(noise()[:1], start=6.0, folder="again")
    with pytest.raises(NotScorable) as raised:
        stacked(paths)
    assert raised.value.code == "overlapping_reconstructions"


def test_gantry_tilt(ct, tmp_path) -> None:
    # gantry tilted by 20 degrees, table moved 3.2 mm along z: the slices are 3.2 cos(20) mm apart
    angle = np.radians(20.0)
    down = [0, np.cos(angle), np.sin(angle)]
    paths = [
        ct.write(
            ct.image(image, ImageOrientationPatient=[1, 0, 0, *down], ImagePositionPatient=[0, 0, 3.2 * z]),
            tmp_path / f"{z}.dcm",
        )
        for z, image in enumerate(noise())
    ]
    found = stacked(paths)
    assert found.tilt_deg == pytest.approx(20.0, abs=0.01)
    assert found.spacing_mm[0] == pytest.approx(3.2 * np.cos(angle), abs=1e-5)
    volume = geometry.decode(found)
    assert volume.to_patient(np.asarray([5.0, 0, 0])) == pytest.approx([0, 0, 16.0], abs=1e-4)
    assert volume.to_patient(np.asarray([5.0, 4, 0])) == pytest.approx([0, 2 * down[1], 16 + 2 * down[2]], abs=1e-4)
    assert volume.to_index(np.asarray([1.0, 2 * down[1], 16 + 2 * down[2]])) == pytest.approx([5, 4, 2], abs=1e-4)


@pytest.mark.parametrize(
    ("orientation", "code"),
    [([1, 0, 0, 0, 0, -1], "not_axial"), ([0, 1, 0, 0, 0, -1], "not_axial"), ([1, 0, 0, 1, 0, 0], "no_positions")],
)
def test_what_is_not_axial_is_refused(ct, tmp_path, orientation, code) -> None:
    paths = [
        ct.write(
            ct.image(image, ImageOrientationPatient=orientation, ImagePositionPatient=[0, 3 * y, 0]),
            tmp_path / f"{y}.dcm",
        )
        for y, image in enumerate(noise())
    ]
    with pytest.raises(NotScorable) as raised:
        stacked(paths)
    assert raised.value.code == code


@pytest.mark.parametrize("missing", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_an_image_without_a_place_is_refused(ct, series, tmp_path, missing) -> None:
    paths = series(noise())
    odd = ct.image(noise()[0], **({"ImagePositionPatient": [12.5, -30.25, 18]} | {missing: None}))
    paths.append(ct.write(odd, tmp_path / "odd.dcm"))
    with pytest.raises(NotScorable) as raised:
        stacked(paths)
    assert raised.value.code == "no_positions"


def test_images_that_drift_sideways_are_refused(ct, tmp_path) -> None:
    paths = [
        ct.write(ct.image(image, ImagePositionPatient=[5.0 * (z == 2), 0, 3 * z]), tmp_path / f"{z}.dcm")
        for z, image in enumerate(noise())
    ]
    with pytest.raises(NotScorable, match="sideways"):
        stacked(paths)


def test_one_slice_has_no_spacing(series) -> None:
    with pytest.raises(NotScorable) as raised:
        stacked(series(noise(1)))
    assert raised.value.code == "too_few_slices"


@given(
    st.lists(st.floats(-300, 300), min_size=3, max_size=3),
    st.tuples(st.floats(0.5, 5), st.floats(0.3, 1), st.floats(0.3, 1)),
    st.lists(st.floats(-20, 80), min_size=3, max_size=3),
    st.floats(-0.5, 0.5),
)
def test_patient_coordinates_and_indices_are_inverse(origin, spacing, index, shear) -> None:
    axes = np.eye(3)[:, ::-1].copy()
    axes[1, 0] = shear
    images = (ImageRef(0, "1"), ImageRef(1, "2"), ImageRef(2, "3"))
    volume = Volume(
        np.zeros((3, 2, 2), dtype=np.int16), spacing, tuple(origin), axes, images, offsets_mm=(0.0, spacing[0], 50.0)
    )
    there = volume.to_patient(np.asarray(index))
    assert volume.to_index(there) == pytest.approx(index, abs=1e-6)


def test_stored_order_without_change() -> None:
    order = StoredOrder(4, 6)
    voxels = np.asarray([[1, 2, 3]], dtype=np.int32)
    assert order.shape == (4, 6)
    assert order.to_stored(voxels).tolist() == voxels.tolist()
