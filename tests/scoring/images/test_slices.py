"""Headers of single-frame, Enhanced and Legacy Converted Enhanced CT, and headers that break the Standard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    JPEGLSLossless,
    LegacyConvertedEnhancedCTImageStorage,
)

from scoring.images import acquisition, geometry, slices
from scoring.images.header.purpose import find_purpose


def item(**attributes) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, [value] if isinstance(value, Dataset) else value)
    return made


def multi_frame(ct, hu: np.ndarray, *, order=None, legacy: bool = False, **shared) -> Dataset:
    """An Enhanced CT whose frames lie in `order`, with one intercept per frame."""
    image = ct.image(hu[0])
    image.SOPClassUID = LegacyConvertedEnhancedCTImageStorage if legacy else EnhancedCTImageStorage
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "KVP"):
        del image[keyword]
    for keyword in ("RescaleSlope", "RescaleIntercept", "ConvolutionKernel"):
        del image[keyword]
    order = list(range(len(hu))) if order is None else order
    image.NumberOfFrames = len(order)
    image.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
            PixelMeasuresSequence=item(PixelSpacing=[0.5, 0.75], SliceThickness=3),
            **shared,
        )
    ]
    image.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=item(ImagePositionPatient=[1, 2, 3 * z]),
            PixelValueTransformationSequence=item(RescaleIntercept=-1000 - z, RescaleSlope=1, RescaleType="HU"),
            CTImageFrameTypeSequence=item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
        )
        for z in order
    ]
    image.PixelData = np.stack([hu[z] + 1000 + z for z in order]).astype("<i2").tobytes()
    return image


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("syntax", [None, DeflatedExplicitVRLittleEndian, JPEGLSLossless])
def test_frames_of_an_enhanced_ct_are_slices(ct, tmp_path, legacy, syntax) -> None:
    hu = np.random.default_rng(2).integers(-500, 500, (5, 16, 24)).astype(np.int16)
    image = multi_frame(ct, hu, order=[3, 0, 4, 1, 2], legacy=legacy)
    if syntax == JPEGLSLossless:
        image.compress(syntax, generate_instance_uid=False)
    elif syntax is not None:
        image.file_meta.TransferSyntaxUID = syntax
    found = slices.read(ct.write(image, tmp_path / "enhanced.dcm"))
    assert [entry.frame for entry in found] == [1, 2, 3, 4, 5]
    assert all(entry.is_ct_image for entry in found)
    volume = geometry.decode(geometry.stack_slices(found))
    assert np.array_equal(volume.hu, hu)
    assert volume.spacing_mm == (3.0, 0.5, 0.75)
    assert [ref.frame for ref in volume.images] == [2, 4, 5, 1, 3]


def test_facts_in_functional_groups(ct, tmp_path) -> None:
    hu = np.zeros((2, 4, 4), dtype=np.int16)
    image = multi_frame(
        ct,
        hu,
        CTXRayDetailsSequence=item(KVP=100, CalciumScoringMassFactorDevice=[0.7, 0.75, 0.8]),
        CTReconstructionSequence=item(ConvolutionKernel="Qr36"),
        CTExposureSequence=item(ExposureInmAs=31.5),
    )
    first = slices.read(ct.write(image, tmp_path / "enhanced.dcm"))[0]
    facts = acquisition.read_acquisition(first)
    assert (facts.kvp, facts.kernel, facts.exposure_mas) == (100, "Qr36", 31.5)
    assert facts.mass_factor_device == pytest.approx((0.7, 0.75, 0.8))


def test_facts_of_a_converted_image(ct, tmp_path) -> None:
    image = multi_frame(
        ct,
        np.zeros((2, 4, 4), dtype=np.int16),
        legacy=True,
        UnassignedSharedConvertedAttributesSequence=item(KVP=135, CalciumScoringMassFactorPatient=0.5),
    )
    facts = acquisition.read_acquisition(slices.read(ct.write(image, tmp_path / "legacy.dcm"))[1])
    assert (facts.kvp, facts.mass_factor_patient) == (135, 0.5)


def test_invalid_values_are_absent_and_do_no_harm(ct, tmp_path) -> None:
    image = ct.image(np.zeros((4, 4), dtype=np.int16))
    image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    path = ct.write(image, tmp_path / "image.dcm")
    raw = path.read_bytes()
    raw = raw.replace(b"1.2.826.0.1.3680043.8.498.2", b"1.2.026.00.1.3680043.8.98.2")  # components with leading zeros
    assert raw.count(b"DS\x06\x00120.0 ") == 1
    raw = raw.replace(b"DS\x06\x00120.0 ", b"DS\x06\x00n.a.  ")
    path.write_bytes(raw)
    (found,) = slices.read(path)
    assert found.series_instance_uid == "1.2.026.00.1.3680043.8.98.2"
    assert found.kvp is None
    assert acquisition.read_acquisition(found).kvp is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\x00 but no DICOM at all", b"\x00" * 128 + b"DICM", b"\x89PNG"])
def test_what_is_no_image_is_no_slice(tmp_path, content) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert slices.read(path) == []


@pytest.mark.parametrize("kept", [0, 128])
def test_files_without_preamble(ct, tmp_path, kept) -> None:
    hu = np.arange(16, dtype=np.int16).reshape(4, 4)
    path = ct.write(ct.image(hu), tmp_path / "image.dcm")
    raw = path.read_bytes()
    meta_length = int.from_bytes(raw[140:144], "little")
    # without the 128 bytes and DICM; and without the file meta information either
    path.write_bytes(raw[132:] if kept else raw[144 + meta_length :])
    (found,) = slices.read(path)
    assert found.modality == "CT"
    out = np.empty((1, 4, 4), dtype=np.int16)
    from scoring.images.decoding import pixels  # noqa: PLC0415
    from scoring.images.volume import StoredOrder  # noqa: PLC0415

    pixels.read([found], StoredOrder(4, 4), out)
    assert np.array_equal(out[0], hu)


@pytest.mark.parametrize(
    ("attributes", "gated"),
    [
        ({}, False),
        ({"ScanOptions": "HELICAL MODE"}, False),
        ({"ScanOptions": ["TP70PC1300", "RECONTYPE_TIME"]}, True),
        ({"HeartRate": 62}, True),
        ({"CardiacSynchronizationTechnique": "NONE"}, False),
        ({"CardiacSynchronizationTechnique": "PROSPECTIVE"}, True),
    ],
)
def test_gating(ct, tmp_path, attributes, gated) -> None:
    path = ct.write(ct.image(np.zeros((4, 4), dtype=np.int16), **attributes), tmp_path / "image.dcm")
    assert acquisition.read_acquisition(slices.read(path)[0]).gated is gated


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(0, 1000)),
)
def test_a_damaged_header_is_read_or_is_none(ct, tmp_path, changes, length) -> None:
    path = ct.write(ct.image(np.zeros((4, 4), dtype=np.int16)), tmp_path / "image.dcm")
    raw = bytearray(path.read_bytes())
    for place, byte in changes:
        raw[132 + place % (len(raw) - 132)] = byte
    path.write_bytes(raw if length is None else raw[:length])
    found = slices.read(path)
    assert len(found) <= 1
    for item in found:
        acquisition.read_acquisition(item)


@pytest.mark.parametrize(("written", "read"), [(3, 3.0), (0, None), (-3, None), (None, None)])
def test_a_thickness_that_cannot_be_is_none(ct, tmp_path, written, read) -> None:
    image = ct.image(np.zeros((4, 4), dtype=np.int16), SliceThickness=written)
    assert slices.read(ct.write(image, tmp_path / "image.dcm"))[0].thickness_mm == read


def test_the_meaning_of_a_frame_stands_in_its_functional_groups(ct, tmp_path) -> None:
    image = multi_frame(
        ct,
        np.zeros((2, 8, 8), dtype=np.int16),
        DerivationImageSequence=item(
            DerivationDescription="Projection", DerivationCodeSequence=item(CodeValue="113078")
        ),
    )
    first, second = image.PerFrameFunctionalGroupsSequence
    first.CTImageFrameTypeSequence[0].VolumeBasedCalculationTechnique = "MAX_IP"
    second.PixelValueTransformationSequence[0].RescaleType = "MGML"
    found = [entry.meaning for entry in slices.read(ct.write(image, tmp_path / "enhanced.dcm"))]
    assert [entry.technique for entry in found] == ["MAX_IP", ""]
    assert [entry.rescale_type for entry in found] == ["HU", "MGML"]
    assert {entry.derivations for entry in found} == {("113078",)}
    assert {entry.texts for entry in found} == {(("Derivation Description", "Projection"),)}
    assert {entry.image_type for entry in found} == {("ORIGINAL", "PRIMARY", "VOLUME", "NONE", "AXIAL")}


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"]}, "maximum_projection"),
        ({"VolumeBasedCalculationTechnique": "MIN_IP"}, "minimum_projection"),
        ({"ImageType": ["DERIVED", "PRIMARY", "VOLUME", "MIXED"], "VolumeBasedCalculationTechnique": "MIXED"}, None),
    ],
)
def test_what_a_multi_frame_image_is_holds_for_its_frames(ct, tmp_path, attributes, kind) -> None:
    image = multi_frame(ct, np.zeros((2, 8, 8), dtype=np.int16))
    for keyword, value in attributes.items():
        setattr(image, keyword, value)
    found = [find_purpose(entry.meaning) for entry in slices.read(ct.write(image, tmp_path / "enhanced.dcm"))]
    assert [entry and entry.kind for entry in found] == [kind, kind]


def test_a_modality_in_small_letters_is_read(ct, tmp_path) -> None:
    image = ct.image(np.zeros((8, 8), dtype=np.int16), Modality="ct")
    assert slices.read(ct.write(image, tmp_path / "image.dcm"))[0].modality == "CT"
