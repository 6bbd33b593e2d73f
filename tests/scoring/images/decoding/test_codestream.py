"""What a stream claims of itself is read without decoding it, and compared with the header."""

from __future__ import annotations

import struct
import tracemalloc

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2KLossless, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless

from config.errors import NotScorable
from scoring.images import slices
from scoring.images.decoding import codestream, pixels
from scoring.images.decoding.codestream import Codestream
from scoring.images.volume import StoredOrder

SAMPLES = np.arange(24 * 40, dtype=np.uint16).reshape(24, 40)
STREAMS = {
    JPEG2000Lossless: imagecodecs.jpeg2k_encode(SAMPLES, reversible=True, level=0, codecformat="J2K", bitspersample=12),
    HTJ2KLossless: imagecodecs.htj2k_encode(SAMPLES, reversible=True),
    JPEGLSLossless: imagecodecs.jpegls_encode(SAMPLES),
    JPEGLosslessSV1: imagecodecs.ljpeg_encode(SAMPLES, bitspersample=12),
}


@pytest.mark.parametrize(
    ("syntax", "precision"),
    [(JPEG2000Lossless, 12), (HTJ2KLossless, 16), (JPEGLosslessSV1, 12)],
)
def test_size_and_precision(syntax, precision):
    assert codestream.read(STREAMS[syntax]) == Codestream(24, 40, precision)


def test_size_of_jpeg_ls():
    found = codestream.read(STREAMS[JPEGLSLossless])
    assert (found.rows, found.columns) == (24, 40)
    assert 10 <= found.precision <= 16


def test_a_jp2_file_has_boxes_before_the_stream():
    assert codestream.read(
        imagecodecs.jpeg2k_encode(SAMPLES, reversible=True, level=0, codecformat="JP2")
    ) == Codestream(24, 40, 16)


def test_the_offset_of_a_jpeg2000_image_is_no_part_of_it():
    size = struct.pack(">HH8IH3B", 41, 0, 50, 34, 10, 10, 50, 34, 0, 0, 1, 0x8B, 1, 1)
    assert codestream.read(b"\xff\x4f\xff\x51" + size) == Codestream(24, 40, 12)


def test_fill_bytes_and_other_markers_before_the_frame():
    comment = b"\xff\xff\xfe\x00\x06abcd"
    stream = STREAMS[JPEGLosslessSV1]
    assert codestream.read(stream[:2] + comment + stream[2:]) == Codestream(24, 40, 12)


@pytest.mark.parametrize(
    "stream", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\x4f\xff\x51\0", bytes(100), b"\xff\xd8\xff\xc3\0"]
)
def test_a_stream_without_a_header(stream):
    with pytest.raises(ValueError, match="no frame header"):
        codestream.read(stream)


def claim(stream: bytes, rows: int, columns: int) -> bytes:
    """Write another size into the header of a stream."""
    if stream.startswith(b"\xff\xd8"):
        return stream.replace(struct.pack(">HH", 24, 40), struct.pack(">HH", rows, columns), 1)
    return stream.replace(struct.pack(">II", 40, 24), struct.pack(">II", columns, rows))


@pytest.mark.parametrize("syntax", STREAMS)
def test_a_stream_that_claims_another_size_is_refused_before_it_is_decoded(ct, tmp_path, syntax):
    image = ct.image(np.zeros((24, 40), dtype=np.int16))
    image.PixelData = encapsulate([claim(STREAMS[syntax], 60000, 60000)])
    image["PixelData"].VR = "OB"
    image.file_meta.TransferSyntaxUID = syntax
    found = slices.read(ct.write(image, tmp_path / "image.dcm"))
    out = np.empty((1, 24, 40), dtype=np.int16)
    tracemalloc.start()
    try:
        with pytest.raises(NotScorable) as raised:
            pixels.read(found, StoredOrder(24, 40), out)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert raised.value.values["error"] == "the stream has 60000 x 60000 samples"
