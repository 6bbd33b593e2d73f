"""What accompanies a CT study over the wire: accepted in any encoding, kept or dropped."""

from __future__ import annotations

import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGBaseline8Bit, SecondaryCaptureImageStorage
from pynetdicom import AE

from scp import metrics
from storage.intake.instances import find_instance
from storage.series import states
from storage.series.states import State

SIEMENS_NON_IMAGE = "1.3.12.2.1107.5.9.1"


def associate(port, contexts):
    ae = AE(ae_title="PACS")
    for sop_class, syntaxes in contexts:
        ae.add_requested_context(sop_class, syntaxes)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    association = ae.associate("127.0.0.1", port, ae_title="CORONODE")
    assert association.is_established
    return association


@pytest.fixture
def picture(slice_of):
    """Build a Secondary Capture of the study of `slice_of`."""

    def build(number=1, **attributes):
        values = {"SOPClassUID": SecondaryCaptureImageStorage, "SOPInstanceUID": f"1.2.7.{number}", "Modality": "OT"}
        return slice_of(number, **values | {"SeriesInstanceUID": "1.2.7"} | attributes)

    return build


def send(port, *objects):
    kinds = {(item.SOPClassUID, item.file_meta.TransferSyntaxUID) for item in objects}
    association = associate(port, [(sop_class, [syntax]) for sop_class, syntax in kinds])
    answers = [association.send_c_store(item).Status for item in objects]
    association.release()
    return answers


def test_every_proposed_companion_is_accepted_and_other_services_are_not(site):
    taken = [
        (uid.EncapsulatedPDFStorage, [uid.DeflatedExplicitVRLittleEndian]),
        (uid.XRayRadiationDoseSRStorage, [uid.ImplicitVRLittleEndian]),
        (uid.GrayscaleSoftcopyPresentationStateStorage, [uid.ExplicitVRBigEndian]),
        (uid.VideoPhotographicImageStorage, [uid.MPEG4HP41]),
        (SIEMENS_NON_IMAGE, [uid.ImplicitVRLittleEndian]),
        ("1.2.840.10008.5.1.4.1.1.999", [uid.ExplicitVRLittleEndian]),
    ]
    refused = ["1.2.840.10008.1.20.1", "1.2.840.10008.5.1.4.1.1.201.2"]  # Storage Commitment; Inventory: find
    association = associate(site.port, [*taken, *((syntax, [uid.ImplicitVRLittleEndian]) for syntax in refused)])
    association.release()
    assert {context.abstract_syntax for context in association.accepted_contexts} == {
        sop_class for sop_class, _ in taken
    }


def test_a_picture_in_lossy_jpeg_is_stored_as_it_came(site, picture):
    image = picture()
    image.PixelData = encapsulate([b"\xff\xd8 not decoded \xff\xd9"])
    image["PixelData"].VR = "OB"
    image.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    assert send(site.port, image) == [0]
    assert find_instance(site.database, "1.2.7.1").transfer_syntax_uid == JPEGBaseline8Bit
    assert states.get(site.database, "1.2.7").state == State.KEPT


def test_a_big_endian_companion_is_read(site, picture):
    image = picture(PatientName="Big^Endian")
    image.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    assert send(site.port, image) == [0]
    assert find_instance(site.database, "1.2.7.1").series_instance_uid == "1.2.7"


def test_a_companion_first_or_last_leaves_the_scan_alone(site, slice_of, picture):
    inside = picture(2, SeriesInstanceUID="1.2.826.0.1.1.1")
    assert send(site.port, picture(1), slice_of(1), slice_of(2), inside) == [0] * 4
    assert site.received == ["1.2.826.0.1.1.1"] * 2  # the images alone restart the timer
    scan = states.get(site.database, "1.2.826.0.1.1.1")
    assert (scan.state, scan.instance_count) == (State.RECEIVING, 3)


@pytest.mark.parametrize("companions", ["drop"])
def test_dropped_it_is_answered_and_leaves_no_trace(site, slice_of, picture):
    before = metrics.COMPANIONS_DROPPED._value.get()
    assert send(site.port, picture(1), slice_of(1), picture(2, SOPClassUID=uid.EncapsulatedPDFStorage)) == [0] * 3
    assert metrics.COMPANIONS_DROPPED._value.get() - before == 2
    assert [item.series_instance_uid for item in states.list_series(site.database)] == ["1.2.826.0.1.1.1"]
    assert len(list((site.files.root / "instances").rglob("*.dcm"))) == 1
    assert not list((site.files.root / "incoming").glob("*/[!.]*"))


@pytest.mark.parametrize("companions", ["drop"])
def test_reports_are_kept_for_comparison_all_the_same(site, slice_of):
    report = slice_of(1, SOPClassUID=uid.ComprehensiveSRStorage, Modality="SR")
    assert send(site.port, report) == [0]
    assert find_instance(site.database, report.SOPInstanceUID) is not None


def test_an_image_does_not_come_in_by_an_encoding_that_is_not_read(site, slice_of, picture):
    """Its own context would not have been accepted in that transfer syntax."""
    image = slice_of(1)
    association = associate(site.port, [(SecondaryCaptureImageStorage, [JPEGBaseline8Bit])])
    (context,) = association.accepted_contexts
    real = association.dimse.send_msg

    def disguise(message, _):
        message._affected_sop_class_uid = CTImageStorage
        real(message, context.context_id)

    association.dimse.send_msg = disguise
    other = picture()
    other.PixelData = encapsulate([b"xx"])
    other.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    answer = association.send_c_store(other)
    association.release()
    assert answer.Status == 0x0122
    assert image.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert states.list_series(site.database) == []
