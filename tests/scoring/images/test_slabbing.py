"""Slabs of about 3 mm from thinner slices; expected values are worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.images import geometry, slabbing, slices
from scoring.images.volume import Gap, Volume
from scoring.result import ImageRef

# columns are the directions of z, y and x in (x, y, z)
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def volume(values, spacing: float = 1.0, **changes) -> Volume:
    """A volume whose slices have one value each."""
    hu = np.repeat(np.asarray(values, np.int16), 6).reshape(-1, 2, 3)
    images = tuple(ImageRef(z, f"1.2.{z}") for z in range(len(hu)))
    return replace(Volume(hu, (spacing, 0.5, 0.5), (-10.0, -20.0, 100.0), AXES, images), **changes)


def stacked(series, number: int, step: float, **header) -> geometry.Stack:
    paths = series(np.zeros((number, 4, 4), np.int16), step=step, **header)
    return geometry.stack_slices([item for path in paths for item in slices.read(path)])


@pytest.mark.parametrize(
    ("spacing", "thickness", "count"),
    [
        (3.0, 3.0, 1),
        (2.5, 2.5, 1),
        (2.0, 2.0, 1),  # 2 and 4 mm are equally near
        (1.9995, 2.0, 1),  # the same, from rounded positions
        (1.8, 1.8, 2),  # 3.6 mm, off by 0.6; one slice is off by 1.2
        (1.5, 1.5, 2),
        (1.25, 1.25, 2),  # 2.5 or 3.75 mm
        (1.0, 1.0, 3),
        (0.8, 0.8, 4),  # 2.4 or 3.2 mm
        (0.75, 0.75, 4),
        (0.625, 0.625, 5),
        (0.5, 0.5, 6),
        (1.0, None, 3),
        (1.5, 3.0, 1),  # overlapping slices that have the thickness already
        (2.0, 3.0, 1),
        (1.0, 3.0, 1),
        (1.0, 5.0, 1),
        (1.0, 2.0, 2),  # sqrt(4 + 3) = 2.65 mm; three are sqrt(4 + 8) = 3.46
        (0.7, 1.0, 4),  # sqrt(1 + 15 x 0.49) = 2.89 mm
        (0.625, 1.25, 4),  # 2.72 mm, five are 3.31
        (1.5, 1.0, 2),  # slices with gaps between them: sqrt(1 + 3 x 2.25) = 2.78 mm
    ],
)
def test_number_of_slices_nearest_3_mm(series, spacing, thickness, count) -> None:
    assert slabbing.count_slices(stacked(series, 12, spacing, SliceThickness=thickness)) == count


def test_the_thickness_of_slices_side_by_side_is_their_sum() -> None:
    assert slabbing.effective_mm(1.0, 1.0, 3) == pytest.approx(3.0)
    # the profile of two slices of 2 mm every 1 mm: 0.5, 1, 0.5 over 1 mm each, of variance 1/12 + 1/2
    assert slabbing.effective_mm(2.0, 1.0, 2) == pytest.approx((12 * (1 / 12 + 1 / 2)) ** 0.5)


def test_too_few_slices_for_a_slab_stay_as_they_are(series) -> None:
    assert slabbing.count_slices(stacked(series, 2, 1.0, SliceThickness=1)) == 1
    few = volume([10, 20])
    assert slabbing.average_slices(few, 3) is few


def test_means_of_whole_slices_from_the_lowest_up() -> None:
    thin = volume([0, 30, 61, 90, 90, 91, 1000, 2000])
    slabs = slabbing.average_slices(thin, 3)
    assert slabs.hu[:, 0, 0].tolist() == [30, 90]  # 30.33 and 90.33; the two slices at the top fill no slab
    assert (slabs.hu == slabs.hu[:, :1, :1]).all()
    assert slabs.hu.dtype == np.int16
    assert slabs.spacing_mm == (3.0, 0.5, 0.5)
    assert slabs.offsets_mm is None
    assert [list(slabs.sources(index)) for index in range(2)] == [[0, 1, 2], [3, 4, 5]]
    assert [image.slice for image in slabs.images] == [1, 4]
    assert slabs.source.hu.shape == thin.hu.shape
    assert slabs.source.hu.strides == (0, 0, 0)  # takes no memory
    assert (slabs.source.images, slabs.source.origin_mm, slabs.source.spacing_mm) == (
        thin.images,
        thin.origin_mm,
        thin.spacing_mm,
    )
    assert thin.source is thin
    assert list(thin.sources(5)) == [5]


def test_one_slice_a_slab_changes_nothing() -> None:
    thin = volume([1, 2, 3])
    assert slabbing.average_slices(thin, 1) is thin


def test_low_and_high_values_do_not_overflow() -> None:
    slabs = slabbing.average_slices(volume([32767] * 6 + [-32768] * 6), 6)
    assert slabs.hu[:, 0, 0].tolist() == [32767, -32768]


@pytest.mark.parametrize("count", [2, 3])
def test_a_slab_lies_in_the_middle_of_its_slices_in_a_tilted_series_too(count) -> None:
    axes = AXES.copy()
    axes[:, 0] = (0.0, 0.25, 1.0)
    thin = volume(range(12), spacing=0.8, axes=axes)
    slabs = slabbing.average_slices(thin, count)
    for index in range(len(slabs.hu)):
        places = [thin.to_patient(np.array([z, 1.0, 2.0])) for z in slabs.sources(index)]
        assert slabs.to_patient(np.array([index, 1.0, 2.0])) == pytest.approx(np.mean(places, axis=0))
    assert slabs.voxel_mm3 == pytest.approx(count * thin.voxel_mm3)


def test_no_slab_spans_a_gap() -> None:
    # slices at 0, 1, 2, 3 and, three missing, at 7, 8, 9, 10
    offsets = (0.0, 1.0, 2.0, 3.0, 7.0, 8.0, 9.0, 10.0)
    thin = volume([0, 0, 0, 50, 100, 100, 100, 50], offsets_mm=offsets, gaps=(Gap(3, 3),))
    slabs = slabbing.average_slices(thin, 3)
    assert slabs.hu[:, 0, 0].tolist() == [0, 100]
    assert [list(slabs.sources(index)) for index in range(2)] == [[0, 1, 2], [4, 5, 6]]
    assert slabs.gaps == (Gap(0, 3),)
    # their middles lie at 1 and 8 mm
    assert slabs.to_patient(np.array([[0.0, 0, 0], [1.0, 0, 0]]))[:, 2].tolist() == [101.0, 108.0]


def test_slices_between_two_gaps_that_fill_no_slab_are_part_of_one_gap() -> None:
    offsets = (0.0, 1.0, 2.0, 5.0, 6.0, 9.0, 10.0, 11.0)
    thin = volume(range(8), offsets_mm=offsets, gaps=(Gap(2, 2), Gap(4, 2)))
    slabs = slabbing.average_slices(thin, 3)
    assert [list(slabs.sources(index)) for index in range(2)] == [[0, 1, 2], [5, 6, 7]]
    assert slabs.gaps == (Gap(0, 4),)
    # a gap beyond the first or the last slab separates nothing
    ends = volume(range(8), offsets_mm=(0.0, *(3.0 + z for z in range(6)), 11.0), gaps=(Gap(0, 2), Gap(6, 2)))
    assert slabbing.average_slices(ends, 3).gaps == ()


def test_labels_of_images_become_labels_of_slabs() -> None:
    labels = np.zeros((7, 2, 3), np.uint8)
    labels[0, 0, 0] = 4  # in one slice of three: what reaches the threshold in the mean counts
    labels[0:3, 0, 1] = (1, 2, 2)  # the label of most slices
    labels[1:3, 0, 2] = (3, 2)  # of equals the lowest
    labels[6] = 1  # in a slice that fills no slab
    reduced = slabbing.reduce_labels(labels, slabbing.average_slices(volume(range(7)), 3))
    assert reduced.tolist() == [[[4, 2, 2], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]
    assert slabbing.reduce_labels(labels, volume(range(7))) is labels
