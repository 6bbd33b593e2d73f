"""Objects in another transfer syntax: the same pixels under the same UID."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filereader import read_dataset
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from scp.services.retrieve.encoding import NotEncodable, encode


def reread(path, syntax):
    return read_dataset(
        io.BytesIO(path.read_bytes()), is_implicit_VR=syntax == ImplicitVRLittleEndian, is_little_endian=True
    )


@pytest.mark.parametrize("target", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    "stored",
    [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless],
)
def test_lossless_objects_keep_every_pixel_and_their_uid(slice_of, tmp_path, stored, target):
    image = slice_of(1)
    pixels = image.PixelData
    if stored.is_encapsulated:
        image.compress(stored, generate_instance_uid=False)
    image.file_meta.TransferSyntaxUID = stored
    image.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    encode(tmp_path / "in.dcm", target, tmp_path / "out")
    made = reread(tmp_path / "out", target)
    assert made.SOPInstanceUID == image.SOPInstanceUID
    assert made.PixelData == pixels
    plain = slice_of(1)
    del made.PixelData, plain.PixelData
    assert made == plain


def lossy_picture() -> Dataset:
    """A colour picture in baseline JPEG, that says so."""
    rows, columns = np.mgrid[0:64, 0:64]
    rgb = np.stack([rows * 4, columns * 4, 255 - rows * 2], axis=-1).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=95)
    picture = Dataset()
    picture.SOPClassUID, picture.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    picture.Rows = picture.Columns = 64
    picture.SamplesPerPixel, picture.PlanarConfiguration, picture.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    picture.BitsAllocated, picture.BitsStored, picture.HighBit, picture.PixelRepresentation = 8, 8, 7, 0
    picture.LossyImageCompression, picture.LossyImageCompressionMethod = "01", "ISO_10918_1"
    picture.LossyImageCompressionRatio = "12.5"
    picture.PixelData = encapsulate([stream.getvalue()])
    picture["PixelData"].is_undefined_length = True
    picture.ensure_file_meta()
    picture.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return picture


def test_a_lossy_picture_becomes_rgb_and_still_says_that_it_is_lossy(tmp_path):
    lossy_picture().save_as(tmp_path / "in.dcm", enforce_file_format=True)
    encode(tmp_path / "in.dcm", ExplicitVRLittleEndian, tmp_path / "out")
    made = reread(tmp_path / "out", ExplicitVRLittleEndian)
    assert (made.PhotometricInterpretation, made.SOPInstanceUID) == ("RGB", "1.2.3")
    assert (made.LossyImageCompression, made.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    colours = np.frombuffer(made.PixelData, np.uint8).reshape(64, 64, 3)
    assert abs(int(colours[10, 50, 0]) - 40) < 8
    assert abs(int(colours[10, 50, 1]) - 200) < 8


@pytest.mark.parametrize(
    ("stored", "words"), [(ExplicitVRBigEndian, "big endian"), (MPEG2MPML, "nothing here decodes")]
)
def test_what_nothing_decodes_is_said(slice_of, tmp_path, stored, words):
    image = slice_of(1)
    image.file_meta.TransferSyntaxUID = stored
    if stored.is_encapsulated:
        image.PixelData = encapsulate([b"\0\0\1\xb3 video"])
        image["PixelData"].is_undefined_length = True
    image.save_as(
        tmp_path / "in.dcm", enforce_file_format=True, little_endian=stored.is_little_endian, implicit_vr=False
    )
    assert dcmread(tmp_path / "in.dcm").file_meta.TransferSyntaxUID == stored
    with pytest.raises(NotEncodable, match=words):
        encode(tmp_path / "in.dcm", ExplicitVRLittleEndian, tmp_path / "out")
