"""Broken slices of an otherwise sound scan: each is refused and named, sound scans of every kind pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.engine import score
from scoring.images.gate import fitness
from scoring.images.volume import Volume
from scoring.phantom import PhantomSpec, make_phantom
from scoring.result import ImageRef

SLICES, SIDE = 24, 128
INTERCEPT = -1024


def chest(*, noise_hu: float = 15.0, soft_hu: float = 45.0, seed: int = 3) -> NDArray[np.int16]:
    """A body of muscle with fat, two lungs of different size, a spine, in air; it changes from slice to slice."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    out = np.empty((SLICES, SIDE, SIDE))
    for z in range(SLICES):
        grown = 1 + 0.01 * z
        out[z] = -1000
        out[z][(y / 0.36) ** 2 + (x / 0.46) ** 2 < 1] = -100
        out[z][(y / 0.32) ** 2 + (x / 0.42) ** 2 < 1] = soft_hu
        out[z][((y + 0.08) / 0.2) ** 2 + ((x - 0.2) / 0.17 / grown) ** 2 < 1] = -850
        out[z][((y - 0.06) / 0.12) ** 2 + ((x + 0.26) / 0.07 / grown) ** 2 < 1] = -850
        out[z][((y - 0.22) / 0.06) ** 2 + (x / 0.07) ** 2 < 1] = 250
    out += np.random.default_rng(seed).normal(0, noise_hu, out.shape)
    return np.clip(np.rint(out), INTERCEPT, 3071).astype(np.int16)


SOUND = chest()


def as_volume(hu: NDArray[np.int16]) -> Volume:
    images = tuple(ImageRef(index, f"1.2.{index + 1}") for index in range(len(hu)))
    return Volume(hu, (3.0, 2.5, 2.5), (0.0, 0.0, 0.0), np.eye(3)[::-1], images)


def changed(indices, change) -> NDArray[np.int16]:
    hu = SOUND.astype(np.int32)
    for index in indices:
        hu[index] = change(hu[index].copy())
    return hu.clip(-32768, 32767).astype(np.int16)


def refusal(hu: NDArray[np.int16]) -> NotScorable:
    with pytest.raises(NotScorable) as raised:
        fitness.check_pixels(as_volume(hu))
    return raised.value


def filled(share: float, value: int):
    def change(image):
        image[round(SIDE * (1 - share)) :] = value
        return image

    return change


def swap_bytes(image):
    stored = (image - INTERCEPT).astype(np.uint16)
    return stored.byteswap().astype(np.int32) + INTERCEPT


KINDS = {
    "blank": ("blank", filled(1.0, INTERCEPT)),
    "blank at 0": ("blank", filled(1.0, 0)),
    "white": ("blank", filled(1.0, 3071)),
    "half grey": ("part", filled(0.5, 0)),
    "half black": ("part", filled(0.5, INTERCEPT)),
    "swapped": ("noise", swap_bytes),
    "noise": ("noise", lambda image: np.random.default_rng(1).normal(0, 500, image.shape)),
    "over the top": ("saturated", lambda image: np.where(image > -500, 3050 + image % 20, image)),
    "cut at 200": ("clipped", lambda image: np.minimum(image, 200)),
    "cut at 100": ("clipped", lambda image: np.minimum(image, 100)),
    "176 high": ("level", lambda image: image + 176),
    "176 low": ("level", lambda image: image - 176),
    "1024 high": ("level", lambda image: image + 1024),
    "1024 low": ("level", lambda image: image - 1024),
}
MIDDLE = {
    "slope 2": ("level", lambda image: (image - INTERCEPT) * 2 + INTERCEPT),
    "upside down": ("turned", lambda image: image[::-1]),
    "mirrored": ("turned", lambda image: image[:, ::-1]),
    "transposed": ("turned", lambda image: image.T),
    "moved": ("content", lambda image: np.roll(image, SIDE // 3, axis=1)),
}
PLACES = {
    "one": [11],
    "first": [0],
    "last": [SLICES - 1],
    "nine": list(range(8, 17)),
    "nine at the feet": list(range(9)),
    "scattered": [1, 3, 6, 8, 11, 14, 17, 19, 22],
    "every second": list(range(1, SLICES, 2)),
    "most": [index for index in range(SLICES) if index % 5],
}


def test_a_sound_scan_passes() -> None:
    fitness.check_pixels(as_volume(SOUND))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_broken_slices_are_named(kind, place) -> None:
    word, change = KINDS[kind]
    found = refusal(changed(PLACES[place], change))
    assert (found.code, found.values["variant"]) == ("broken_image", word)
    assert found.values["slices"] == tuple(index + 1 for index in PLACES[place])
    assert found.values["images"] == tuple(f"1.2.{index + 1}" for index in PLACES[place])
    assert found.values["count"] == len(PLACES[place])


@pytest.mark.parametrize("off", [176, -176, 1024])
def test_how_far_a_slice_lies_off_is_said(off) -> None:
    assert refusal(changed([11], lambda image: image + off)).values["off_hu"] == pytest.approx(off, abs=10)


@pytest.mark.parametrize("kind", MIDDLE)
def test_other_pictures_between_two_that_continue(kind) -> None:
    found = refusal(changed([11], MIDDLE[kind][1]))
    assert (found.code, found.values["variant"]) == ("broken_image", MIDDLE[kind][0])
    assert found.values["slices"] == (12,)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, SLICES - 1), min_size=1, max_size=SLICES // 2 - 1), st.sampled_from(sorted(KINDS)))
def test_any_minority_is_named(places, kind) -> None:
    found = refusal(changed(sorted(places), KINDS[kind][1]))
    assert found.values["slices"] == tuple(index + 1 for index in sorted(places))


@pytest.mark.parametrize("copies", [[11], [11, 12, 13, 14], [23]])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_pixels_of_another_slice_are_found(copies, noise) -> None:
    hu = SOUND.copy()
    for index in copies:
        hu[index] = hu[copies[0] - 1]
        hu[index] += np.random.default_rng(index).random(hu[index].shape) < noise
    found = refusal(hu)
    assert (found.code, found.values["variant"]) == ("broken_image", "repeated")
    assert found.values["slices"] == tuple(index + 1 for index in copies)


def test_pixels_of_a_distant_slice_are_found() -> None:
    hu = SOUND.copy()
    hu[14] = hu[11]
    assert refusal(hu).values["slices"] == (15,)


def test_slabs_that_share_most_of_their_pixels_are_no_broken_slices() -> None:
    """They are a projection, which is refused as such."""
    hu = np.stack([SOUND[max(0, index - 8) : index + 9].max(axis=0) for index in range(SLICES)])
    fitness.check_pixels(as_volume(hu))


@pytest.mark.parametrize("run", [range(8), range(16, SLICES)])
def test_an_end_of_the_scan_at_a_smaller_slope(run) -> None:
    found = refusal(changed(run, lambda image: (image - INTERCEPT) * 0.85 + INTERCEPT))
    assert (found.values["variant"], found.values["slices"]) == ("level", tuple(index + 1 for index in run))


def test_a_scanner_that_ends_at_1000_passes() -> None:
    hu = SOUND.copy()
    hu[:, 60:70, 60:70] = 1000
    fitness.check_pixels(as_volume(hu))


@settings(max_examples=40, deadline=None)
@given(
    st.floats(2, 60),
    st.floats(20, 80),
    st.integers(-30, 30),
    st.sampled_from([0, 1, 2, 3]),
)
def test_sound_scans_of_any_noise_and_turn_pass(noise_hu, soft_hu, drift, turn) -> None:
    hu = chest(noise_hu=noise_hu, soft_hu=soft_hu).astype(np.int32)
    hu = np.rot90(hu, turn, axes=(1, 2)) + np.linspace(0, drift, SLICES).astype(int)[:, None, None]
    fitness.check_pixels(as_volume(hu.clip(INTERCEPT, 3071).astype(np.int16)))


@pytest.mark.parametrize("padding", [-3024, -2000, -1024, -1000])
def test_padding_around_a_round_field_of_view(padding) -> None:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    hu = np.where(np.hypot(y, x) < SIDE / 2, SOUND, padding).astype(np.int16)
    fitness.check_pixels(as_volume(hu))
    hu[5][hu[5] != padding] += 176
    assert refusal(hu).values["slices"] == (6,)


def test_metal_and_contrast_pass() -> None:
    hu = SOUND.copy()
    hu[8:11, 60:66, 50:58] = 3071
    hu[:, 55:75, 55:75] += 300
    fitness.check_pixels(as_volume(hu))


def test_a_phantom_that_ends_in_air_passes() -> None:
    """Partial volume of the last slices: everything but the air around fades."""
    hu = SOUND.astype(float)
    for z, share in enumerate((0.0, 0.1, 0.4, 0.7, 0.95)):
        for index in (z, SLICES - 1 - z):
            hu[index] = -1000 + (hu[index] + 1000) * share + np.random.default_rng(z).normal(0, 10, hu[index].shape)
    fitness.check_pixels(as_volume(np.rint(hu).astype(np.int16)))


def test_drawn_images_without_noise_pass() -> None:
    hu = np.full((SLICES, 80, 80), 40, np.int16)
    hu[10:13, 30:36, 30:36] = 400
    fitness.check_pixels(as_volume(hu))


@pytest.mark.parametrize(
    ("change", "variant"),
    [
        (lambda hu: hu + 1024, "level"),
        (lambda hu: hu + 176, "level"),
        (lambda hu: hu - 176, "level"),
        (lambda hu: (hu + 1024) * 2 - 1024, "level"),
        (lambda hu: hu - 1024, "no_tissue"),
        (lambda hu: (hu + 1024) // 2 - 1024, "no_tissue"),
    ],
)
def test_a_whole_scan_off_the_scale(change, variant) -> None:
    found = refusal(change(SOUND.astype(np.int32)).astype(np.int16))
    assert (found.code, found.values["variant"]) == ("no_hounsfield_units", variant)


@pytest.mark.parametrize("value", [-1024, 0, 40, 3071])
def test_nothing_but_one_value(value) -> None:
    found = refusal(np.full_like(SOUND, value))
    assert (found.values["variant"], found.values["count"]) == ("blank", SLICES)


def test_a_phantom_and_its_broken_copy(as_volume) -> None:
    made = as_volume(make_phantom(PhantomSpec(seed=5, matrix=192, noise_sd_hu=12.0)))
    fitness.check_pixels(made)
    hu = made.hu.copy()
    hu[len(hu) // 2] += 1024
    with pytest.raises(NotScorable, match="broken_image"):
        fitness.check_pixels(replace(made, hu=hu))


def test_score_refuses_and_says_it_in_words(ct, series) -> None:
    paths = series(changed([11], filled(0.5, 0)))
    made = score(paths)
    assert (made.status, made.reason_code, made.agatston) == ("not_scorable", "broken_image", None)
    assert made.reason is not None
    assert made.reason.startswith("Broken image: a part of slice 12 (image 1.2.826.")


def test_a_mask_does_not_open_the_gate(ct, series, tmp_path) -> None:
    paths = series(changed([11], lambda image: image + 1024))
    mask = ct.segmentation(paths, {"LAD": np.zeros(SOUND.shape, bool) | (SOUND > 130)}, tmp_path / "mask.dcm")
    assert score(paths, mask=mask).reason_code == "broken_image"
