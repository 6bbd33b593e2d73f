"""Which classes are stored, and which of them accompany the images."""

import pytest
from pydicom import uid
from pydicom.uid import UID_dictionary

from dicom.sop_classes import IMAGE_STORAGE, REPORT_STORAGE, is_companion, is_storage

COMPANIONS = [
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
    uid.XRayRadiationDoseSRStorage,
    uid.RadiopharmaceuticalRadiationDoseSRStorage,
    uid.BasicTextSRStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
    uid.ColorSoftcopyPresentationStateStorage,
    uid.PseudoColorSoftcopyPresentationStateStorage,
    uid.BlendingSoftcopyPresentationStateStorage,
    uid.EncapsulatedPDFStorage,
    uid.EncapsulatedCDAStorage,
    uid.EncapsulatedSTLStorage,
    uid.RawDataStorage,
    uid.SegmentationStorage,
    uid.SurfaceSegmentationStorage,
    uid.RTStructureSetStorage,
    uid.SpatialRegistrationStorage,
    uid.SpatialFiducialsStorage,
    uid.RealWorldValueMappingStorage,
    uid.ParametricMapStorage,
    uid.TwelveLeadECGWaveformStorage,
    uid.ComputedRadiographyImageStorage,
    uid.MRImageStorage,
    uid.PositronEmissionTomographyImageStorage,
    "1.2.840.10008.5.1.4.1.1.999",  # of an edition to come
    "1.3.12.2.1107.5.9.1",  # CSA Non-Image, of Siemens
    "1.2.840.113619.4.30",  # of GE
    "1.3.46.670589.5.0.1",  # of Philips
]


@pytest.mark.parametrize("sop_class", COMPANIONS)
def test_what_accompanies_a_study(sop_class):
    assert is_storage(sop_class)
    assert is_companion(sop_class)


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.2.A", "1.2.840.10008.5.1.4.1.1.", "", "1.2\x1b[31m"])
def test_what_is_no_uid_is_no_class(sop_class):
    assert not is_storage(sop_class)
    assert not is_companion(sop_class)


@pytest.mark.parametrize("sop_class", [*IMAGE_STORAGE, *REPORT_STORAGE])
def test_images_and_reports_are_stored_for_their_own_sake(sop_class):
    assert is_storage(sop_class)
    assert not is_companion(sop_class)


@pytest.mark.parametrize(
    "sop_class",
    [
        "1.2.840.10008.1.1",  # Verification
        "1.2.840.10008.5.1.4.1.2.2.1",  # Study Root Query/Retrieve: find
        "1.2.840.10008.3.1.2.3.3",  # Modality Performed Procedure Step
        "1.2.840.10008.1.20.1",  # Storage Commitment Push Model
        "1.2.840.10008.1.2.1",  # a transfer syntax
        "",
        "CT",
        "1.2.3.\x1b",
        "1.2." + "9" * 70,
    ],
)
def test_other_services_are_not_storage(sop_class):
    assert not is_storage(sop_class)


def test_every_class_under_the_root_is_told_by_its_name():
    """The data dictionary names Storage classes so, but for two retired ones without a name."""
    for sop_class, (name, kind, *_) in UID_dictionary.items():
        if kind == "SOP Class" and sop_class.startswith("1.2.840.10008.5.1.4.1.1.") and name:
            assert is_storage(sop_class) == ("Storage" in name), name
