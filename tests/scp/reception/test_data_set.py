"""An image is taken when its pixels are there; padding and what follows them are nobody's loss."""

from __future__ import annotations

import struct
import zlib

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from config.errors import Rejected
from dicom import part10
from scp.reception.data_set import HEAD_BYTES, DataSet

ROWS, COLUMNS = 6, 5
PIXELS = bytes(range(ROWS * COLUMNS * 2))
PIXEL_TAG = b"\xe0\x7f\x10\x00"
DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)


def image(**attributes) -> Dataset:
    """A CT image of 6 x 5 pixels of 16 bits; None removes an attribute."""
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": "1.2.1.1.1",
        "Modality": "CT",
        "StudyInstanceUID": "1.2.1",
        "SeriesInstanceUID": "1.2.1.1",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "PixelData": PIXELS,
    }
    dataset = Dataset()
    for keyword, value in (values | attributes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    return dataset


def encode(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = syntax != ExplicitVRBigEndian
    buffer.is_implicit_VR = syntax == ImplicitVRLittleEndian
    if syntax == RLELossless:
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    write_dataset(buffer, dataset)
    if syntax != DeflatedExplicitVRLittleEndian:
        return buffer.getvalue()
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(buffer.getvalue()) + packer.flush()


@pytest.fixture
def receive(tmp_path):
    """Read a data set as one that has just arrived."""

    def read(content: bytes, syntax: str = ExplicitVRLittleEndian) -> None:
        preface = part10.encode_preface(CTImageStorage, "1.2.1.1.1", syntax)
        path = tmp_path / "object"
        path.write_bytes(preface + content)
        arrived = DataSet(path, len(preface), content[:HEAD_BYTES], len(content), syntax)
        arrived.check_pixels(arrived.read())

    return read


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"PixelData": PIXELS + bytes(1024)},
        {"NumberOfFrames": 3, "SOPClassUID": EnhancedCTImageStorage, "PixelData": PIXELS * 3},
        {"Rows": 3, "Columns": 5, "BitsAllocated": 8, "PixelData": bytes(15) + b"\0"},
        {"Rows": 3, "Columns": 3, "BitsAllocated": 12, "PixelData": bytes(14)},  # 13.5 bytes, packed as of old
        {"BitsAllocated": None, "PixelData": bytes(2)},  # unknown size: for the scoring to judge
        {"NumberOfFrames": "", "PixelData": PIXELS},
    ],
)
def test_complete_pixels_are_taken(receive, syntax, attributes):
    receive(encode(image(**attributes), syntax), syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelData": PIXELS[:-2]},
        {"PixelData": b""},
        {"NumberOfFrames": 3, "SOPClassUID": EnhancedCTImageStorage, "PixelData": PIXELS * 2},
        {"PixelData": PIXELS[:-2], "TextValue": "x" * (HEAD_BYTES + 10)},
    ],
)
def test_fewer_pixels_than_the_header_promises_are_refused(receive, syntax, attributes):
    with pytest.raises(Rejected, match="short") as refused:
        receive(encode(image(**attributes), syntax), syntax)
    assert refused.value.status == 0xC000
    assert len(refused.value.reason) <= 64


@pytest.mark.parametrize(("keyword", "named"), [("Rows", "Rows"), ("Columns", "Columns"), ("PixelData", "Pixel Data")])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_an_image_cannot_do_without_is_named(receive, syntax, keyword, named):
    with pytest.raises(Rejected, match=rf"{named} \(.*missing") as refused:
        receive(encode(image(**{keyword: None}), syntax), syntax)
    assert refused.value.status == 0xA900


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("missing", [2, len(PIXELS) // 2, len(PIXELS)])
def test_an_image_that_was_cut_off_is_refused(receive, syntax, missing):
    with pytest.raises(Rejected, match="short"):
        receive(encode(image(), syntax)[:-missing], syntax)


def test_a_deflated_image_that_was_cut_off_is_refused(receive):
    noise = bytes(byte * 7919 % 251 for byte in range(ROWS * COLUMNS * 2))
    whole = encode(image(PixelData=noise), DeflatedExplicitVRLittleEndian)
    with pytest.raises(Rejected, match="short"):
        receive(whole[:-20], DeflatedExplicitVRLittleEndian)


def test_an_odd_value_without_its_padding_is_taken(receive):
    """15 pixels of 8 bits in a value of 16 bytes, of which the last did not come."""
    content = encode(image(Rows=3, Columns=5, BitsAllocated=8, PixelData=bytes(15) + b"\0"))
    receive(content[:-1])


@pytest.mark.parametrize(
    "tail", [bytes(128), b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<I", 64) + bytes(64) + b"junkjunk"]
)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_what_follows_the_pixels_does_not_matter(receive, tail, syntax):
    pixels = PIXELS if syntax == ExplicitVRLittleEndian else encapsulate([b"abcd"])
    receive(encode(image(PixelData=pixels), syntax) + tail, syntax)


def test_an_icon_is_not_taken_for_the_image(receive):
    icon = image(Rows=1, Columns=1, PixelData=b"\0\0")
    receive(encode(image(IconImageSequence=[icon])))
    with pytest.raises(Rejected, match="missing"):
        receive(encode(image(IconImageSequence=[icon], PixelData=None)))


class TestFragments:
    def content(self, frames, **attributes):
        return encode(image(PixelData=encapsulate(frames), **attributes), RLELossless)

    def test_a_compressed_image_is_taken(self, receive):
        receive(self.content([b"abcd" * 100]), RLELossless)
        receive(self.content([b"abcd"] * 3, NumberOfFrames=3, SOPClassUID=EnhancedCTImageStorage), RLELossless)

    def test_beyond_the_bytes_in_memory(self, receive):
        whole = self.content([b"abcd" * HEAD_BYTES, b"abcd"], NumberOfFrames=2, SOPClassUID=EnhancedCTImageStorage)
        receive(whole, RLELossless)
        with pytest.raises(Rejected, match="cut off"):
            receive(whole[:-12], RLELossless)

    @pytest.mark.parametrize("missing", [8, 9, 12, 200])
    def test_one_that_was_cut_off_is_refused(self, receive, missing):
        with pytest.raises(Rejected, match="cut off") as refused:
            receive(self.content([b"abcd" * 100])[:-missing], RLELossless)
        assert refused.value.status == 0xC000

    @pytest.mark.parametrize("frames", [[], [b""]])
    def test_one_without_pixels_is_refused(self, receive, frames):
        content = encode(image(PixelData=encapsulate([b"abcd"])), RLELossless)
        table = content.index(PIXEL_TAG) + 12
        empty = content[:table] + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * (1 + len(frames)) + DELIMITER
        with pytest.raises(Rejected, match="0 fragments for 1 frames"):
            receive(empty, RLELossless)

    def test_fewer_fragments_than_frames_are_refused(self, receive):
        with pytest.raises(Rejected, match="2 fragments for 3 frames"):
            receive(self.content([b"abcd"] * 2, NumberOfFrames=3, SOPClassUID=EnhancedCTImageStorage), RLELossless)

    def test_something_else_than_fragments_is_refused(self, receive):
        content = self.content([b"abcd"])
        with pytest.raises(Rejected, match="not a sequence of fragments"):
            receive(content.replace(b"\xfe\xff\x00\xe0", b"\xfe\xff\x01\xe0"), RLELossless)


class TestCompanions:
    def picture(self, **attributes):
        return image(SOPClassUID=SecondaryCaptureImageStorage, Modality="OT", **attributes)

    def test_their_size_is_not_checked(self, receive):
        """It depends on the colour space, and nothing is scored in them."""
        colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "BitsAllocated": 8}
        receive(encode(self.picture(**colour)))
        receive(encode(self.picture(PixelData=None)))

    @pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
    def test_cut_off_they_are_refused(self, receive, syntax):
        whole = encode(self.picture(), syntax)
        receive(whole, syntax)
        with pytest.raises(Rejected, match="short"):
            receive(whole[:-4], syntax)
