"""Candidates against hand calculation and against a slow, plain implementation."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.candidates.agatston import Candidate, candidates
from scoring.candidates.conventions import PRESETS, Convention, named
from scoring.images.volume import Gap, Volume
from scoring.result import ImageRef

STANDARD = named("standard")


def volume(hu, spacing=(3.0, 1.0, 1.0), gaps=(), offsets=None) -> Volume:
    hu = np.asarray(hu, dtype=np.int16)
    images = tuple(ImageRef(z, f"1.2.{z}") for z in range(len(hu)))
    axes = np.eye(3)[:, ::-1].copy()
    return Volume(hu, spacing, (0.0, 0.0, 0.0), axes, images, offsets_mm=offsets, gaps=gaps)


def flood(voxels: set, neighbours) -> list[set]:
    """Connected sets, by walking from voxel to voxel."""
    left, found = set(voxels), []
    while left:
        group, edge = set(), [left.pop()]
        while edge:
            at = edge.pop()
            group.add(at)
            near = {tuple(np.add(at, step)) for step in neighbours} & left
            left -= near
            edge.extend(near)
        found.append(group)
    return found


def plainly(found: Volume, convention: Convention) -> list[tuple[float, frozenset]]:
    """Agatston and voxels of every lesion, by the definition, one voxel at a time."""
    around = [step for step in itertools.product((-1, 0, 1), repeat=3) if any(step)]
    within = [s for s in around if s[0] == 0 and (convention.connectivity == 8 or abs(s[1]) + abs(s[2]) == 1)]
    above = {tuple(map(int, at)) for at in np.argwhere(found.hu >= convention.thresholds[0])}
    area = found.spacing_mm[1] * found.spacing_mm[2]
    kept: dict[frozenset, float] = {}
    for component in flood(above, within):
        size, pixels = len(component) * area, len(component)
        if convention.strict_area:
            enough = size > convention.minimum_area_mm2 and pixels > convention.minimum_pixels
        else:
            enough = size >= convention.minimum_area_mm2 and pixels >= convention.minimum_pixels
        if enough:
            peak = max(found.hu[at] for at in component)
            weight = sum(peak >= threshold for threshold in convention.thresholds)
            kept[frozenset(component)] = size * weight * found.spacing_mm[0] / 3
    lesions = flood({at for component in kept for at in component}, around)
    return [
        (sum(score for component, score in kept.items() if component <= lesion), frozenset(lesion))
        for lesion in lesions
    ]


def voxel_set(candidate: Candidate) -> frozenset:
    return frozenset(map(tuple, candidate.voxels.tolist()))


HU = arrays(
    np.int16,
    st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7)),
    elements=st.sampled_from([-1000, 40, 129, 130, 131, 199, 200, 299, 300, 399, 400, 1500]),
)


@settings(max_examples=150, deadline=None)
@given(HU, st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from(sorted(PRESETS)), st.sampled_from([1.5, 3.0, 5.0]))
def test_equals_the_plain_definition(hu, pixel, name, step) -> None:
    convention = dataclasses.replace(named(name), volume="voxels")
    found = volume(hu, (step, pixel, pixel))
    expected = {lesion: score for score, lesion in plainly(found, convention)}
    got = {voxel_set(item): item for item in candidates(found, convention)}
    assert got.keys() == expected.keys()
    for lesion, item in got.items():
        values = [int(hu[at]) for at in lesion]
        assert item.agatston == pytest.approx(expected[lesion], abs=1e-9)
        assert item.volume_mm3 == pytest.approx(len(lesion) * pixel * pixel * step)
        assert item.max_hu == max(values)
        assert item.mean_hu == pytest.approx(sum(values) / len(values))
        middle = np.mean([(x * pixel, y * pixel, z * step) for z, y, x in lesion], axis=0)
        assert item.centroid_mm == pytest.approx(tuple(middle))
        assert item.voxels.dtype == np.int32
        assert item.voxels.tolist() == sorted(map(list, lesion))


@settings(max_examples=60, deadline=None)
@given(HU, st.randoms(use_true_random=False))
def test_a_mask_is_as_if_there_were_nothing_outside(hu, random) -> None:
    mask = np.asarray([random.random() < 0.6 for _ in range(hu.size)]).reshape(hu.shape)
    inside = candidates(volume(hu), STANDARD, mask)
    alone = candidates(volume(np.where(mask, hu, -1000)), STANDARD)
    assert [(item.agatston, voxel_set(item)) for item in inside] == [(item.agatston, voxel_set(item)) for item in alone]


@pytest.mark.parametrize(
    ("peak", "weight"), [(129, 0), (130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (3071, 4)]
)
def test_weight_begins_at_the_threshold(peak, weight) -> None:
    hu = np.full((1, 4, 4), 40)
    hu[0, 1:3, 1:3] = peak
    # four pixels of 1 mm2, 3 mm apart
    assert sum(item.agatston for item in candidates(volume(hu), STANDARD)) == 4 * weight


def test_each_slice_has_its_own_weight() -> None:
    hu = np.full((2, 3, 3), 40)
    hu[0, 1, :2], hu[1, 1, :2] = 150, 450
    (lesion,) = candidates(volume(hu), STANDARD)
    assert lesion.agatston == 2 * 1 + 2 * 4


@pytest.mark.parametrize(("pixel", "pixels", "counts"), [(0.5, 3, 0), (0.5, 4, 1), (0.1, 99, 0), (0.1, 100, 1)])
def test_one_square_millimetre_is_enough(pixel, pixels, counts) -> None:
    hu = np.full((1, 1, 120), 40)
    hu[0, 0, :pixels] = 150
    assert len(candidates(volume(hu, (3.0, pixel, pixel)), STANDARD)) == counts


@pytest.mark.parametrize("pair", [((0, 0, 3), (0, 1, 0)), ((0, 2, 3), (1, 0, 0)), ((0, 2, 1), (1, 0, 1))])
def test_neighbours_in_memory_only_are_apart(pair) -> None:
    hu = np.full((2, 3, 4), 40)
    for voxel in pair:
        hu[voxel] = 150
    assert len(candidates(volume(hu), STANDARD)) == 2


def test_components_across_a_gap_are_two_lesions() -> None:
    hu = np.full((3, 2, 2), 150)
    assert len(candidates(volume(hu), STANDARD)) == 1
    gapped = candidates(volume(hu, gaps=(Gap(after=0, missing=2),), offsets=(0.0, 9.0, 12.0)), STANDARD)
    assert [len(item.voxels) for item in gapped] == [4, 8]
    assert [item.centroid_mm[2] for item in gapped] == [0.0, 10.5]


def test_nothing_gives_nothing() -> None:
    assert candidates(volume(np.zeros((3, 4, 4))), STANDARD) == []


@pytest.mark.parametrize("step", [0.5, 1.0, 3.0])
def test_isotropic_volume_of_a_cone(step) -> None:
    # 130 HU is reached at a distance of 10 mm from the middle along z, falling linearly: a double cone whose
    # section shrinks with z, so that interpolation gives its true volume and whole voxels give too much
    z = (np.arange(round(30 / step) + 1) * step - 15)[:, None, None]
    y, x = np.meshgrid(*[np.arange(81) * 0.25 - 10] * 2, indexing="ij")
    hu = 130 + 20 * (10 - np.abs(z) - np.hypot(x, y))
    found = volume(np.clip(hu, -1000, 1000), (step, 0.25, 0.25))
    convention = dataclasses.replace(STANDARD, volume="isotropic")
    (lesion,) = candidates(found, convention)
    assert lesion.volume_mm3 == pytest.approx(2 * math.pi * 10**3 / 3, rel=0.06)


def test_isotropic_volume_ends_at_the_edge_of_the_scan() -> None:
    hu = np.full((2, 8, 8), 500)
    convention = dataclasses.replace(STANDARD, volume="isotropic")
    (lesion,) = candidates(volume(hu, (3.0, 0.5, 0.5)), convention)
    assert lesion.volume_mm3 == pytest.approx(6 * 4 * 4)
