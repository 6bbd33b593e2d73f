"""Multi-frame images whose header, functional groups and pixel data do not agree on the number of frames."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedCTImageStorage,
    JPEGLSLossless,
    LegacyConvertedEnhancedCTImageStorage,
    RLELossless,
)

from scoring.engine import score
from scoring.images import slices

FRAMES = 6


@pytest.fixture(params=[EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage])
def enhanced(ct, request) -> Dataset:
    """Six frames, every one with its own position and conversion."""
    hu = np.random.default_rng(1).integers(-900, 900, (FRAMES, 16, 24)).astype(np.int16)
    image = ct.image(hu[0])
    image.SOPClassUID = request.param
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        del image[keyword]
    del image.RescaleIntercept
    image.NumberOfFrames = FRAMES
    image.SharedFunctionalGroupsSequence = [
        group(PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]})
        | group(PixelMeasuresSequence={"PixelSpacing": [0.5, 0.5], "SliceThickness": 3})
    ]
    image.PerFrameFunctionalGroupsSequence = [
        group(PlanePositionSequence={"ImagePositionPatient": [0, 0, 3 * z]})
        | group(PixelValueTransformationSequence={"RescaleIntercept": -1024, "RescaleSlope": 1})
        for z in range(FRAMES)
    ]
    image.PixelData = (hu + 1024).astype("<i2").tobytes()
    return image


class Group(Dataset):
    """A functional group to which macros are added by |."""

    def __or__(self, other: Dataset) -> Group:
        self.update(other)
        return self


def group(**macros: dict[str, object]) -> Group:
    made = Group()
    for name, values in macros.items():
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        setattr(made, name, [item])
    return made


def verdict(ct, image: Dataset, tmp_path) -> tuple[str, str]:
    made = score([ct.write(image, tmp_path / "image.dcm")])
    reject = next(flag for flag in made.flags if flag.severity == "reject")
    assert image.SOPInstanceUID in (made.reason or "")
    return reject.code, str(reject.values["variant"])


@pytest.mark.parametrize("syntax", [None, JPEGLSLossless, RLELossless])
def test_agreement(ct, tmp_path, enhanced, syntax) -> None:
    if syntax is not None:
        enhanced.compress(syntax, generate_instance_uid=False)
    found = slices.read(ct.write(enhanced, tmp_path / "image.dcm"))
    slices.check_frames(found)
    slices.check_conversion(found)
    assert len(found) == FRAMES


def test_fewer_groups_than_frames(ct, tmp_path, enhanced) -> None:
    del enhanced.PerFrameFunctionalGroupsSequence[-2:]
    assert verdict(ct, enhanced, tmp_path) == ("frames_disagree", "groups")


def test_more_frames_than_groups(ct, tmp_path, enhanced) -> None:
    enhanced.NumberOfFrames = FRAMES + 3
    assert verdict(ct, enhanced, tmp_path) == ("frames_disagree", "groups")


def test_no_groups_at_all(ct, tmp_path, enhanced) -> None:
    del enhanced.PerFrameFunctionalGroupsSequence
    assert verdict(ct, enhanced, tmp_path) == ("frames_disagree", "groups")


@pytest.mark.parametrize("value", [None, ""])
def test_no_number_of_frames(ct, tmp_path, enhanced, value) -> None:
    if value is None:
        del enhanced.NumberOfFrames
    else:
        enhanced.NumberOfFrames = value
    assert verdict(ct, enhanced, tmp_path) == ("frames_disagree", "uncounted")


@pytest.mark.parametrize("frames", [-1, 1])
def test_pixels_of_another_number_of_frames(ct, tmp_path, enhanced, frames) -> None:
    size = 16 * 24 * 2
    enhanced.PixelData = enhanced.PixelData[:-size] if frames < 0 else enhanced.PixelData + bytes(size)
    assert verdict(ct, enhanced, tmp_path) == ("frames_disagree", "pixels")


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("offsets", [True, False])
def test_compressed_pixels_of_too_few_frames(ct, tmp_path, enhanced, syntax, offsets) -> None:
    enhanced.NumberOfFrames = FRAMES - 1
    enhanced.PixelData = enhanced.PixelData[: -16 * 24 * 2]
    enhanced.compress(syntax, generate_instance_uid=False)
    enhanced.NumberOfFrames = FRAMES
    if not offsets:
        table = int.from_bytes(enhanced.PixelData[4:8], "little")
        enhanced.PixelData = enhanced.PixelData[:4] + bytes(4) + enhanced.PixelData[8 + table :]
    assert verdict(ct, enhanced, tmp_path) == ("frames_disagree", "pixels")


def test_padding_after_the_pixels_is_no_frame(ct, tmp_path, enhanced) -> None:
    enhanced.PixelData += bytes(100)
    slices.check_frames(slices.read(ct.write(enhanced, tmp_path / "image.dcm")))


def test_a_frame_without_its_conversion_is_named(ct, tmp_path, enhanced) -> None:
    del enhanced.PerFrameFunctionalGroupsSequence[4].PixelValueTransformationSequence
    made = score([ct.write(enhanced, tmp_path / "image.dcm")])
    assert made.reason_code == "no_hounsfield_units"
    assert f"Image {enhanced.SOPInstanceUID}, frame 5 has no Rescale Slope" in (made.reason or "")


def test_several_frames_in_the_class_of_one(ct, tmp_path) -> None:
    image = ct.image(np.zeros((16, 16), np.int16), NumberOfFrames=51)
    image.PixelData *= 51
    assert verdict(ct, image, tmp_path) == ("frames_disagree", "class")


def test_one_frame_in_the_class_of_one(ct, tmp_path) -> None:
    image = ct.image(np.zeros((16, 16), np.int16), NumberOfFrames=1)
    slices.check_frames(slices.read(ct.write(image, tmp_path / "image.dcm")))
