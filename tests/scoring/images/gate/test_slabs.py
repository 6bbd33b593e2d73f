"""Projections without a word in the header: neighbouring slabs share pixels as no slices do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from config.errors import NotScorable
from scoring.images import geometry, slices
from scoring.images.gate.slabs import check_slabs
from scoring.images.volume import Volume
from scoring.result import ImageRef


def volume(hu: np.ndarray) -> Volume:
    images = tuple(ImageRef(z, f"1.{z}") for z in range(len(hu)))
    return Volume(np.rint(hu).astype(np.int16), (3.0, 0.5, 0.5), (0.0, 0.0, 0.0), np.eye(3), images)


def tissue(sd: float = 15.0, seed: int = 1) -> np.ndarray:
    return 40 + np.random.default_rng(seed).normal(0, sd, (12, 96, 96))


def slide(hu: np.ndarray, number: int, combine=np.max, step: int = 1) -> np.ndarray:
    """A slab of `number` slices at every `step` of them."""
    return np.stack([combine(hu[at : at + number], axis=0) for at in range(0, len(hu) - number + 1, step)])


@pytest.mark.parametrize("combine", [np.max, np.min])
@pytest.mark.parametrize(("number", "expected"), [(2, 33), (3, 50), (4, 60)])
def test_overlapping_slabs_are_refused(combine, number, expected) -> None:
    with pytest.raises(NotScorable) as raised:
        check_slabs(volume(slide(tissue(40.0), number, combine)))
    assert (raised.value.code, raised.value.values["variant"]) == ("projection", "pixels")
    # texture is where the pixel itself is not an extreme of the slice, so slightly fewer
    assert raised.value.values["share_percent"] == pytest.approx(expected, abs=6)


def test_slabs_of_five_at_every_second_slice_are_refused() -> None:
    with pytest.raises(NotScorable):
        check_slabs(volume(slide(np.concatenate([tissue(), tissue(seed=2)]), 5, step=2)))


def test_repeated_slices_are_refused() -> None:
    with pytest.raises(NotScorable):
        check_slabs(volume(np.repeat(tissue(), 2, axis=0)))


@given(st.sampled_from([3.0, 8.0, 15.0, 40.0]), st.sampled_from([1, 2, 4]), st.integers(0, 99))
def test_noise_at_any_level_and_resolution_is_no_slab(sd, step, seed) -> None:
    check_slabs(volume(np.rint(tissue(sd, seed) / step) * step))


@pytest.mark.parametrize(
    "hu",
    [
        ndimage.gaussian_filter(tissue(40.0), (1, 1, 1)),
        slide(tissue(), 3, np.mean),
        ndimage.zoom(tissue(), (2, 1, 1), order=1),
        np.zeros((12, 96, 96)),
        np.tile(np.linspace(-200, 300, 96), (12, 96, 1)),
    ],
    ids=["smooth", "averages", "interpolated", "constant", "noiseless"],
)
def test_what_is_alike_but_no_maximum_is_no_slab(hu) -> None:
    check_slabs(volume(hu))


@pytest.mark.realdata
@pytest.mark.parametrize("number", [2, 3])
def test_slabs_of_a_real_scan_are_refused_and_the_scan_itself_is_not(ct, number) -> None:
    paths = sorted((ct.reference / "coca" / "gated-1").glob("*"))
    real = geometry.decode(geometry.stack_slices([item for path in paths for item in slices.read(path)]))
    check_slabs(real)
    with pytest.raises(NotScorable, match="projection"):
        check_slabs(dataclasses.replace(real, hu=slide(real.hu, number)))
