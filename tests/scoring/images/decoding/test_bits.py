"""Bits of a sample beyond the value: overlays and signs are taken off in every coding, anything else is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from config.errors import NotScorable
from scoring.images import slices
from scoring.images.decoding import pixels
from scoring.images.volume import StoredOrder

Samples = NDArray[np.uint16]

ENCODERS: dict[UID, Callable[[NDArray[np.integer]], bytes]] = {
    JPEGLossless: lambda samples: imagecodecs.ljpeg_encode(samples.view("<u2"), bitspersample=16),
    JPEGLosslessSV1: lambda samples: imagecodecs.ljpeg_encode(samples.view("<u2"), bitspersample=16),
    JPEGLSLossless: lambda samples: imagecodecs.jpegls_encode(samples.view("<u2")),
    JPEG2000Lossless: lambda samples: imagecodecs.jpeg2k_encode(samples, reversible=True, level=0, codecformat="J2K"),
    HTJ2KLossless: lambda samples: imagecodecs.htj2k_encode(samples, reversible=True),
}
NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
SYNTAXES = [*NATIVE, RLELossless, *ENCODERS]

DRAWN = np.s_[6:18, 10:40]
"""Where an overlay is drawn: across the ball's edge."""


def chest() -> NDArray[np.int16]:
    """HU of a ball of bone in soft tissue in air, softly bounded and noisy, all of it in 12 bits."""
    y, x = np.mgrid[:48, :64]
    away = np.hypot(y - 20.0, x - 28.0)
    hu = -1000 + 1040 / (1 + np.exp((away - 20) * 1.5)) + 700 / (1 + np.exp((away - 6) * 1.5))
    return np.rint(np.clip(hu + np.random.default_rng(3).normal(0, 15, hu.shape), -1024, 3071)).astype(np.int16)


def to_samples(hu: NDArray[np.int16], signed: int) -> Samples:
    """Stored values of 12 bits in 16: HU with the sign extended, or HU + 1024."""
    return hu.view("<u2").copy() if signed else (hu + 1024).astype("<u2")


def make_image(ct: SimpleNamespace, samples: Samples, signed: int, *, stored: int = 12, high: int = 11) -> Dataset:
    image = ct.image(np.zeros(samples.shape, dtype=np.int16), RescaleIntercept=0 if signed else -1024)
    image.BitsStored, image.HighBit, image.PixelRepresentation = stored, high, signed
    image.PixelData = samples.tobytes()
    return image


def encode(image: Dataset, syntax: UID, path: Path) -> Path:
    """Write the image with all 16 bits of its samples in the coding that the syntax names."""
    kind = "<i2" if image.PixelRepresentation else "<u2"
    samples = np.frombuffer(image.PixelData, dtype=kind).reshape(-1, image.Rows, image.Columns)
    image.file_meta.TransferSyntaxUID = syntax
    if syntax in ENCODERS:
        image.PixelData = encapsulate([ENCODERS[syntax](frame) for frame in samples])
        image["PixelData"].VR = "OB"
    elif syntax == RLELossless:
        stored, high = image.BitsStored, image.HighBit
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.BitsStored, image.HighBit = 16, 15
        image.compress(RLELossless, generate_instance_uid=False)
        image.BitsStored, image.HighBit = stored, high
    elif syntax == ExplicitVRBigEndian:
        image.PixelData = samples.byteswap().tobytes()
    image.save_as(path, enforce_file_format=True)
    return path


def decode(path: Path) -> NDArray[np.int16]:
    found = slices.read(path)
    out = np.empty((len(found), found[0].plane.rows, found[0].plane.columns), dtype=np.int16)
    pixels.read(found, StoredOrder(*out.shape[1:]), out)
    return out


def declare_overlay(image: Dataset, bit: int) -> None:
    image.add_new(0x60000010, "US", image.Rows)
    image.add_new(0x60000011, "US", image.Columns)
    image.add_new(0x60000100, "US", 16)
    image.add_new(0x60000102, "US", bit)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("bit", [12, 15])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: UID(syntax).name.split(",")[0])
def test_an_overlay_above_the_value_is_no_value(ct, tmp_path, syntax, signed, bit, declared) -> None:
    hu = chest()
    samples = to_samples(hu, signed)
    samples[DRAWN] |= 1 << bit
    image = make_image(ct, samples, signed)
    if declared:
        declare_overlay(image, bit)
    assert np.array_equal(decode(encode(image, syntax, tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_an_overlay_in_frames_of_an_enhanced_image(ct, tmp_path, syntax, signed) -> None:
    hu = np.stack([chest(), chest()[::-1]])
    samples = np.stack([to_samples(image, signed) for image in hu])
    samples[:, DRAWN[0], DRAWN[1]] |= 0x4000
    image = make_image(ct, samples[0], signed)
    image.SOPClassUID, image.NumberOfFrames, image.PixelData = EnhancedCTImageStorage, 2, samples.tobytes()
    groups = []
    for z in (0, 3):
        group, position, value = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, z]
        value.RescaleSlope, value.RescaleIntercept = 1, image.RescaleIntercept
        group.PlanePositionSequence, group.PixelValueTransformationSequence = Sequence([position]), Sequence([value])
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = Sequence(groups)
    assert np.array_equal(decode(encode(image, syntax, tmp_path / "image.dcm")), hu)


@pytest.mark.peer
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize(
    ("program", "options"), [("dcmcjpeg", ["+e1", "+un"]), ("dcmcjpls", ["+un"]), ("dcmcrle", ["+un"])]
)
def test_an_overlay_that_an_archive_has_compressed(ct, tmp_path, peer_program, program, options, signed) -> None:
    hu = chest()
    samples = to_samples(hu, signed)
    samples[DRAWN] |= 0x1000
    plain = ct.write(make_image(ct, samples, signed, stored=16, high=15), tmp_path / "plain.dcm")
    subprocess.run([peer_program(program), *options, plain, tmp_path / "coded.dcm"], check=True, capture_output=True)
    coded = slices.elements.opened(tmp_path / "coded.dcm", pixels=True)
    coded.BitsStored, coded.HighBit = 12, 11
    declare_overlay(coded, 12)
    assert np.array_equal(decode(ct.write(coded, tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: UID(syntax).name.split(",")[0])
def test_values_that_exceed_bits_stored_are_refused(ct, tmp_path, syntax, signed) -> None:
    # metal of 3500 HU needs 13 bits; in 12 it would be dark
    hu = chest()
    y, x = np.mgrid[:48, :64]
    hu = np.maximum(hu, np.rint(4500 - 600 * np.hypot(y - 20, x - 28)).clip(-1024, 3500).astype(np.int16))
    path = encode(make_image(ct, to_samples(hu, signed), signed), syntax, tmp_path / "image.dcm")
    with pytest.raises(NotScorable) as raised:
        decode(path)
    assert (raised.value.code, raised.value.values["variant"]) == ("broken_image", "bits")


@pytest.mark.parametrize("signed", [0, 1])
def test_a_block_of_metal_that_exceeds_bits_stored_is_refused(ct, tmp_path, signed) -> None:
    hu = chest()
    hu[10:14, 20:24] = 3500
    with pytest.raises(NotScorable):
        decode(encode(make_image(ct, to_samples(hu, signed), signed), JPEG2000Lossless, tmp_path / "image.dcm"))


def test_padding_beyond_bits_stored_is_padding_where_it_is_declared(ct, tmp_path) -> None:
    hu = chest()
    samples = to_samples(hu, 0)
    samples[:, :5] = 63536
    image = make_image(ct, samples, 0)
    path = tmp_path / "image.dcm"
    with pytest.raises(NotScorable):
        decode(encode(image, ExplicitVRLittleEndian, path))
    image.add_new("PixelPaddingValue", "US", 63536)
    found = decode(encode(image, ExplicitVRLittleEndian, path))[0]
    assert np.all(found[:, :5] <= -1024)
    assert np.array_equal(found[:, 5:], hu[:, 5:])


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("low", [0, 0b0001])
def test_high_bit_says_where_the_value_stands(ct, tmp_path, syntax, signed, low) -> None:
    hu = chest()
    samples = (to_samples(hu, signed) << 4).astype("<u2")
    samples[DRAWN] |= low
    image = make_image(ct, samples, signed, high=15)
    if low:
        declare_overlay(image, 0)
    assert np.array_equal(decode(encode(image, syntax, tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize("signed", [0, 1])
def test_a_wrong_high_bit_is_seen_through(ct, tmp_path, signed) -> None:
    hu = chest()
    image = make_image(ct, to_samples(hu, signed), signed, high=15)
    assert np.array_equal(decode(encode(image, ExplicitVRLittleEndian, tmp_path / "image.dcm"))[0], hu)


def test_bits_on_both_sides_of_the_value_that_nothing_explains_are_refused(ct, tmp_path) -> None:
    samples = to_samples(chest(), 0)
    samples[DRAWN] |= 0x8000
    with pytest.raises(NotScorable) as raised:
        decode(encode(make_image(ct, samples, 0, high=15), ExplicitVRLittleEndian, tmp_path / "image.dcm"))
    assert raised.value.values["variant"] == "bits"


@pytest.mark.parametrize("sign_in_stream", [True, False])
@pytest.mark.parametrize("signed", [0, 1])
def test_the_sign_of_a_jpeg2000_stream_says_nothing(ct, tmp_path, signed, sign_in_stream) -> None:
    hu = chest()
    samples = to_samples(hu, signed)
    # a decoder extends the sign of a stream that has one, also where the values have none
    coded = ((samples.astype(np.int32) & 0xFFF) ^ 0x800) - 0x800 if sign_in_stream else samples & 0xFFF
    stream = imagecodecs.jpeg2k_encode(
        coded.astype("<i2" if sign_in_stream else "<u2"), reversible=True, level=0, codecformat="J2K", bitspersample=12
    )
    image = make_image(ct, samples, signed)
    image.PixelData = encapsulate([stream])
    image["PixelData"].VR = "OB"
    image.file_meta.TransferSyntaxUID = JPEG2000Lossless
    assert np.array_equal(decode(ct.write(image, tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize(("allocated", "stored"), [(16, 0), (16, 17), (12, 12), (0, 12)])
def test_impossible_bits_are_refused(ct, tmp_path, allocated, stored) -> None:
    image = make_image(ct, to_samples(chest(), 0), 0)
    image.BitsAllocated, image.BitsStored = allocated, stored
    with pytest.raises(NotScorable) as raised:
        decode(ct.write(image, tmp_path / "image.dcm"))
    assert f"Bits Stored {stored}" in raised.value.values["error"]


@pytest.mark.parametrize("sign", [None, 2])
def test_a_sign_that_the_header_leaves_open_is_not_guessed(ct, tmp_path, sign) -> None:
    image = make_image(ct, to_samples(chest(), 0), 0)
    image.PixelRepresentation = sign
    with pytest.raises(NotScorable) as raised:
        decode(ct.write(image, tmp_path / "image.dcm"))
    assert "Pixel Representation" in raised.value.values["error"]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, JPEG2000Lossless])
def test_numbers_of_the_header_in_another_representation(ct, tmp_path, syntax) -> None:
    hu = chest()
    path = encode(make_image(ct, to_samples(hu, 1), 1), syntax, tmp_path / "image.dcm")
    image = slices.elements.opened(path, pixels=True)
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        image.add_new(keyword, "IS", int(image[keyword].value))
    image.add_new("SamplesPerPixel", "UT", "1")
    image.add_new("NumberOfFrames", "UL", 1)
    image.add_new("RescaleIntercept", "FD", 0.0)
    assert np.array_equal(decode(ct.write(image, tmp_path / "other.dcm"))[0], hu)
