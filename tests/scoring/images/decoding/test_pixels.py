"""Stored values to HU: every transfer syntax, signedness, padding, rescale, damage."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from config.errors import NotScorable
from scoring.images import slices
from scoring.images.decoding import pixels
from scoring.images.volume import StoredOrder

# stored values: bits, signed, intercept that puts the extremes of CT into range
DEPTHS = [
    pytest.param((12, 0, -1024), id="12-bit unsigned"),
    pytest.param((12, 1, 0), id="12-bit signed"),
    pytest.param((13, 1, 0), id="13-bit signed"),
    pytest.param((16, 0, -1024), id="16-bit unsigned"),
    pytest.param((16, 1, 0), id="16-bit signed"),
]


def picture(bits: int, signed: int) -> np.ndarray:
    """Smooth and noisy parts, and the least and greatest stored value that CT has."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = max(low, -3024), min(high, 4095)
    made = np.random.default_rng(7).integers(low, high + 1, (64, 80))
    made[:32] = np.linspace(low, high, 80).astype(int)
    made[0, :2] = low, high
    return made


def stored_image(ct: SimpleNamespace, bits: int, signed: int, intercept: int) -> tuple[Dataset, np.ndarray]:
    values = picture(bits, signed)
    image = ct.image(np.zeros(values.shape, dtype=np.int16), RescaleIntercept=intercept)
    image.BitsStored, image.HighBit, image.PixelRepresentation = bits, bits - 1, signed
    image.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
    return image, np.clip(values + intercept, -32768, 32767)


def decoded(path: Path) -> np.ndarray:
    found = slices.read(path)
    order = StoredOrder(found[0].plane.rows, found[0].plane.columns)
    out = np.empty((len(found), *order.shape), dtype=np.int16)
    pixels.read(found, order, out)
    return out


def encapsulated(image: Dataset, syntax: UID, stream: bytes) -> Dataset:
    image.PixelData = encapsulate([stream])
    image["PixelData"].VR = "OB"
    image.file_meta.TransferSyntaxUID = syntax
    return image


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_native(ct, tmp_path, syntax, depth) -> None:
    image, hu = stored_image(ct, *depth)
    if syntax == ExplicitVRBigEndian:
        image.PixelData = np.frombuffer(image.PixelData, dtype="<u2").astype(">u2").tobytes()
    path = tmp_path / "image.dcm"
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(path, enforce_file_format=True)
    assert np.array_equal(decoded(path)[0], hu)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_as_pydicom_does(ct, tmp_path, syntax, depth) -> None:
    image, hu = stored_image(ct, *depth)
    image.compress(syntax, generate_instance_uid=False)
    assert np.array_equal(decoded(ct.write(image, tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1, JPEGLSNearLossless])
def test_jpeg_streams_without_a_sign(ct, tmp_path, syntax, depth) -> None:
    # these streams hold the low bits of the stored value; Pixel Representation alone tells the sign
    image, hu = stored_image(ct, *depth)
    bits = depth[0]
    raw = (np.frombuffer(image.PixelData, dtype="<u2") & (2**bits - 1)).reshape(hu.shape)
    if syntax == JPEGLSNearLossless:
        stream = imagecodecs.jpegls_encode(raw, level=0)
    else:
        stream = imagecodecs.ljpeg_encode(raw, bitspersample=bits)
    assert np.array_equal(decoded(ct.write(encapsulated(image, syntax, stream), tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_htj2k(ct, tmp_path, syntax, depth) -> None:
    image, hu = stored_image(ct, *depth)
    values = np.frombuffer(image.PixelData, dtype="<i2" if depth[1] else "<u2").reshape(hu.shape)
    stream = imagecodecs.htj2k_encode(values, reversible=True)
    assert np.array_equal(decoded(ct.write(encapsulated(image, syntax, stream), tmp_path / "image.dcm"))[0], hu)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEG2000])
@pytest.mark.parametrize("bits", [12, 13, 16])
def test_signed_values_in_an_unsigned_jpeg2000_stream(ct, tmp_path, bits, syntax) -> None:
    image, hu = stored_image(ct, bits, 1, 0)
    raw = (np.frombuffer(image.PixelData, dtype="<u2") & (2**bits - 1)).reshape(hu.shape)
    stream = imagecodecs.jpeg2k_encode(raw, reversible=True, level=0, codecformat="J2K", bitspersample=bits)
    assert np.array_equal(decoded(ct.write(encapsulated(image, syntax, stream), tmp_path / "image.dcm"))[0], hu)


PEERS = [
    ("dcmcjpeg", ["+el", "+sv", "6"], JPEGLossless),
    ("dcmcjpeg", ["+e1"], JPEGLosslessSV1),
    ("dcmcjpls", ["+el"], JPEGLSLossless),
    ("dcmcrle", [], RLELossless),
    ("dcmconv", ["+td"], DeflatedExplicitVRLittleEndian),
]


@pytest.mark.peer
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("peer", PEERS)
def test_compressed_by_dcmtk(ct, tmp_path, peer_program, peer, depth) -> None:
    program, options, syntax = peer
    image, hu = stored_image(ct, *depth)
    plain, path = ct.write(image, tmp_path / "plain.dcm"), tmp_path / "image.dcm"
    subprocess.run([peer_program(program), *options, str(plain), str(path)], check=True, capture_output=True)
    with path.open("rb") as file:
        assert syntax.encode() in file.read(600)
    assert np.array_equal(decoded(path)[0], hu)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PixelPaddingValue": -2000}, [-1024, 40, 130]),
        ({"PixelPaddingValue": 63536}, [-1024, 40, 130]),
        ({"PixelPaddingValue": 40, "PixelPaddingRangeLimit": 130}, [-2000, -1024, -1024]),
        ({}, [-2000, 40, 130]),
    ],
)
def test_padding_becomes_air(ct, tmp_path, attributes, expected) -> None:
    image = ct.image(np.asarray([[-2000, 40, 130]], dtype=np.int16), RescaleIntercept=0)
    for keyword, value in attributes.items():
        image.add_new(keyword, "US" if value > 32767 else "SS", value)
    found = decoded(ct.write(image, tmp_path / "image.dcm"))[0, 0]
    assert (found[0] <= -1024) if expected[0] == -1024 else (found[0] == expected[0])
    assert found[1:].tolist() == expected[1:]


def test_padding_that_would_pass_for_calcium(ct, tmp_path) -> None:
    image = ct.image(np.asarray([[3000, 40]], dtype=np.int16), RescaleIntercept=0)
    image.add_new("PixelPaddingValue", "SS", 3000)
    assert decoded(ct.write(image, tmp_path / "image.dcm")).tolist() == [[[-1024, 40]]]


@pytest.mark.parametrize(("first", "last"), [(200, 200), (150, 3000), (0, 0)])
def test_padding_is_no_tissue_inside_the_image(ct, tmp_path, first, last) -> None:
    hu = np.full((7, 7), 40, dtype=np.int16)
    hu[0], hu[3, 2:4] = first, first
    image = ct.image(hu, RescaleIntercept=0)
    image.add_new("PixelPaddingValue", "SS", first)
    image.add_new("PixelPaddingRangeLimit", "SS", last)
    hu[0] = -1024
    assert np.array_equal(decoded(ct.write(image, tmp_path / "image.dcm"))[0], hu)


def test_rescale_is_rounded_and_limited(ct, tmp_path) -> None:
    image = ct.image(np.zeros((1, 4), dtype=np.int16), RescaleSlope=0.7, RescaleIntercept=0.25)
    image.PixelData = np.asarray([185, 186, -10, 32767], dtype="<i2").tobytes()
    # 129.75, 130.45, -6.75, 22937.15
    assert decoded(ct.write(image, tmp_path / "a.dcm")).tolist() == [[[130, 130, -7, 22937]]]
    image.RescaleSlope, image.RescaleIntercept = 2, 0
    assert decoded(ct.write(image, tmp_path / "b.dcm")).tolist() == [[[370, 372, -20, 32767]]]


def test_unused_high_bits_are_ignored(ct, tmp_path) -> None:
    image = ct.image(np.zeros((1, 2), dtype=np.int16), RescaleIntercept=-1024)
    image.BitsStored, image.HighBit, image.PixelRepresentation = 12, 11, 0
    image.PixelData = np.asarray([0xF400, 0x0400], dtype="<u2").tobytes()
    assert decoded(ct.write(image, tmp_path / "image.dcm")).tolist() == [[[0, 0]]]


@pytest.mark.parametrize("damage", ["cut", "garbage", "absent"])
@pytest.mark.parametrize("syntax", [None, JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_damage_is_named(ct, tmp_path, damage, syntax) -> None:
    image, _ = stored_image(ct, 12, 1, 0)
    if syntax is not None:
        image.compress(syntax, generate_instance_uid=False)
    data = bytes(image.PixelData)
    if damage == "absent":
        del image.PixelData
    elif syntax is None:
        image.PixelData = data[: len(data) // 2]
    else:
        half = len(data) // 2
        stream = data[16:half] if damage == "cut" else bytes(range(256)) * 3
        image.PixelData = encapsulate([stream])
    path = ct.write(image, tmp_path / "image.dcm")
    with pytest.raises(NotScorable) as raised:
        decoded(path)
    assert raised.value.code == "unreadable_pixels"
    assert raised.value.values["variant"] == ("absent" if damage == "absent" else "decoding")
    assert raised.value.values["uid"] == image.SOPInstanceUID


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ENOENT])
def test_a_disk_that_fails_while_pixels_are_read_is_no_damage(ct, tmp_path, monkeypatch, code) -> None:
    def fail(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    image, _ = stored_image(ct, 12, 1, 0)
    path = ct.write(image, tmp_path / "image.dcm")
    monkeypatch.setattr(pixels, "iter_pixels", fail)
    with pytest.raises(OSError, match=os.strerror(code)):
        decoded(path)
