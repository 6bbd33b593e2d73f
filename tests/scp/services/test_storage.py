import errno
import os
import subprocess
import threading

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom import AE

from dicom.sop_classes import UNCOMPRESSED
from scp.network.associate import Rejection
from scp.network.negotiation import PresentationContext
from scp.network.opening import AssociationRejected, Opening
from scp.network.requestor import Requestor
from scp.reception.incoming import StoreRequest
from scp.services.storage import IMAGE_STORAGE
from scp.services.storage_contexts import IMAGE_TRANSFER_SYNTAXES
from scp.services.storage_rules import StorageRules
from storage.database import audit
from storage.intake.instances import find_instance
from storage.series import states

STORE = IMAGE_STORAGE


def associate(port, sop_class=STORE[0], syntaxes=IMAGE_TRANSFER_SYNTAXES):
    ae = AE(ae_title="SCANNER")
    for syntax in syntaxes:
        ae.add_requested_context(sop_class, syntax)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    return ae.associate("127.0.0.1", port, ae_title="CORONODE")


def rejection_of(port):
    """The A-ASSOCIATE-RJ that the node answers, by our own requestor: pynetdicom can lose it on a busy machine."""
    contexts = [PresentationContext(STORE[0], UNCOMPRESSED)]
    with pytest.raises(AssociationRejected) as rejected:
        Requestor(Opening("SCANNER", "CORONODE", "127.0.0.1", port, 20, 20, 20, 16384), contexts)
    return rejected.value.rejection


def send(port, *images):
    association = associate(port)
    assert association.is_established
    answers = [association.send_c_store(image) for image in images]
    association.release()
    return answers


def dataset_bytes(path):
    """What follows preamble and File Meta Information."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[140:144], "little")
    return raw[144 + length :]


def test_success_means_file_and_row(site, slice_of):
    (answer,) = send(site.port, slice_of(1))
    assert answer.Status == 0x0000
    stored = find_instance(site.database, "1.2.826.0.1.1.1.1")
    written = dcmread(site.files.path(stored.path))
    assert written.PatientName == "Test^Patient1"
    assert written.file_meta.SourceApplicationEntityTitle == "SCANNER"
    assert site.received == ["1.2.826.0.1.1.1"]
    assert states.get(site.database, "1.2.826.0.1.1.1").instance_count == 1


def test_an_object_that_comes_again_is_a_sign_of_life_of_its_series(site, slice_of):
    """After a break a scanner may send from the first image on: its series must not be complete meanwhile."""
    for _ in range(2):
        (answer,) = send(site.port, slice_of(1))
        assert answer.Status == 0x0000
    assert site.received == ["1.2.826.0.1.1.1"] * 2
    assert states.get(site.database, "1.2.826.0.1.1.1").instance_count == 1


def test_bytes_are_stored_as_they_came(site, slice_of):
    image = slice_of(1)
    sent = []
    association = associate(site.port)
    association.dimse.send_msg, original = (
        lambda message, context: sent.append(message.DataSet.getvalue()) or original(message, context),
        association.dimse.send_msg,
    )
    association.send_c_store(image)
    association.release()
    path = site.files.path(find_instance(site.database, image.SOPInstanceUID).path)
    assert dataset_bytes(path) == sent[0]


def compress(image, syntax):
    if syntax == DeflatedExplicitVRLittleEndian or not syntax.is_compressed:
        image.file_meta.TransferSyntaxUID = syntax
    elif syntax == HTJ2KLossless:
        frame = imagecodecs.htj2k_encode(image.pixel_array, reversible=True)
        image.PixelData = encapsulate([bytes(frame)])
        image["PixelData"].VR = "OB"
        image.file_meta.TransferSyntaxUID = syntax
    else:
        image.compress(syntax, generate_instance_uid=False)
    return image


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
        HTJ2KLossless,
    ],
)
def test_transfer_syntaxes_stay_as_they_are(site, slice_of, syntax):
    pixels = slice_of(1).pixel_array
    (answer,) = send(site.port, compress(slice_of(1), syntax))
    assert answer.Status == 0x0000
    written = dcmread(site.files.path(find_instance(site.database, "1.2.826.0.1.1.1.1").path))
    assert written.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(written.pixel_array, pixels)


@pytest.mark.peer
@pytest.mark.parametrize(("option", "syntax"), [("+e1", "1.2.840.10008.1.2.4.70"), ("+el", "1.2.840.10008.1.2.4.57")])
def test_lossless_jpeg_of_dcmtk(site, slice_of, peer_program, tmp_path, option, syntax):
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    slice_of(1).save_as(plain, enforce_file_format=True)
    subprocess.run([peer_program("dcmcjpeg"), option, plain, packed], check=True, timeout=60)
    (answer,) = send(site.port, dcmread(packed))
    assert answer.Status == 0x0000
    written = dcmread(site.files.path(find_instance(site.database, "1.2.826.0.1.1.1.1").path))
    assert written.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(written.pixel_array, slice_of(1).pixel_array)


@pytest.mark.peer
def test_storescu_sends_a_folder(site, slice_of, peer_program, tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    for number in range(1, 6):
        slice_of(number).save_as(folder / f"{number}.dcm", enforce_file_format=True)
    command = [peer_program("storescu"), "-aec", "CORONODE", "+sd", "127.0.0.1", str(site.port), str(folder)]
    subprocess.run(command, check=True, timeout=60)
    assert states.get(site.database, "1.2.826.0.1.1.1").instance_count == 5


@pytest.mark.peer
def test_echoscu(site, peer_program):
    subprocess.run([peer_program("echoscu"), "-aec", "CORONODE", "127.0.0.1", str(site.port)], check=True, timeout=60)


def test_other_services_are_refused_in_negotiation(site):
    association = associate(site.port, "1.2.840.10008.5.1.4.31", UNCOMPRESSED)  # Modality Worklist: find
    assert not association.is_established
    assert association.acceptor.primitive.result == 0
    assert not association.accepted_contexts


def test_same_object_twice_is_stored_once(site, slice_of):
    first, second = send(site.port, slice_of(1), slice_of(1))
    assert (first.Status, second.Status) == (0, 0)
    assert states.get(site.database, "1.2.826.0.1.1.1").instance_count == 1
    assert len(list((site.files.root / "instances").rglob("*.dcm"))) == 1


def test_other_bytes_under_the_same_uid_are_put_aside(site, slice_of):
    send(site.port, slice_of(1))
    (answer,) = send(site.port, slice_of(1, PatientName="Somebody^Else"))
    assert answer.Status == 0
    assert len(list((site.files.root / "quarantine").iterdir())) == 1
    kept = dcmread(site.files.path(find_instance(site.database, "1.2.826.0.1.1.1.1").path))
    assert kept.PatientName == "Test^Patient1"
    assert [event.kind for event in audit.list_events(site.database, kind="quarantined")] == ["quarantined"]


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["IMG_001", "a" * 64, "1.02.003", "1..2"])
def test_a_file_is_not_named_by_the_sender(site, slice_of, keep, tmp_path, uid):
    before = {path for path in tmp_path.rglob("*") if site.files.root not in path.parents}
    image = slice_of(1, SOPInstanceUID=uid, SeriesInstanceUID=uid + "9"[: 64 - len(uid)], StudyInstanceUID=uid)
    answer = keep(image)
    stored = site.files.path(find_instance(site.database, uid).path)
    assert answer.outcome == "stored"
    assert site.files.root in stored.parents
    assert {path for path in tmp_path.rglob("*") if site.files.root not in path.parents} == before


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["../../x", "/etc/passwd", "1.2\x1b[2J", "1.2\r\n3"])
def test_a_crafted_uid_over_the_wire_is_refused_by_name(site, slice_of, uid):
    image = slice_of(1)
    image.add_new(0x00080018, "UI", uid)
    image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    association = associate(site.port)
    real = association.dimse.send_msg

    def lie(message, context):
        message._affected_sop_instance_uid = "1.2.3"
        real(message, context)

    association.dimse.send_msg = lie
    answer = association.send_c_store(image)
    association.release()
    assert answer.Status == 0xC000
    assert "SOPInstanceUID" in answer.ErrorComment
    assert states.list_series(site.database) == []
    assert not list((site.files.root / "instances").rglob("*.dcm"))


def test_the_data_sets_own_uid_counts(site, slice_of):
    image = slice_of(1)
    association = associate(site.port)
    real = association.dimse.send_msg

    def other(message, context):
        message.AffectedSOPInstanceUID = "1.2.3.4.5"
        real(message, context)

    association.dimse.send_msg = other
    assert association.send_c_store(image).Status == 0
    association.release()
    assert find_instance(site.database, image.SOPInstanceUID) is not None
    assert find_instance(site.database, "1.2.3.4.5") is None


class TestRefusals:
    def test_class_of_the_data_set_differs(self, site, slice_of):
        image = slice_of(1)
        image.file_meta.MediaStorageSOPClassUID = STORE[0]
        association = associate(site.port)
        real = association.dimse.send_msg

        def swap(message, context):
            raw = message.DataSet.getvalue()
            old = STORE[0].encode() + b"\0"
            message.DataSet.seek(0)
            message.DataSet.write(raw.replace(old[:-1], b"1.2.840.10008.5.1.4.1.1.4", 1))
            real(message, context)

        association.dimse.send_msg = swap
        answer = association.send_c_store(image)
        association.release()
        assert answer.Status == 0xA900
        assert "SOP Class UID" in answer.ErrorComment

    def test_bytes_that_are_no_data_set(self, site):
        reception = site.storage.begin(StoreRequest(STORE[0], "1.2.3", UNCOMPRESSED[0]))
        reception.write(os.urandom(400))
        with pytest.raises(Exception, match=r"cannot be read|missing") as caught:
            reception.finish()
        assert caught.value.status in {0xA900, 0xC000}
        assert not list((site.files.root / "instances").rglob("*.dcm"))

    def test_full_disk_is_told_and_the_association_lives_on(self, site, slice_of, monkeypatch):
        association = associate(site.port)

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(os, "fdatasync", full)
            refused = association.send_c_store(slice_of(1))
        taken = association.send_c_store(slice_of(1))
        association.release()
        assert refused.Status == 0xA700
        assert refused.ErrorComment
        assert taken.Status == 0
        assert not list((site.files.root / "incoming").glob("*/[!.]*"))

    def test_reserve_of_disk_space(self, site, slice_of):
        association = associate(site.port)
        site.storage.adopt(StorageRules(reserve_bytes=2**62))
        answer = association.send_c_store(slice_of(1))
        rejection = rejection_of(site.port)
        site.storage.adopt(StorageRules())
        again = association.send_c_store(slice_of(2))
        association.release()
        assert answer.Status == 0xA700
        assert again.Status == 0
        assert rejection == Rejection(result=2, source=3, diagnostic=1)
        assert "reserve" in answer.ErrorComment
        assert find_instance(site.database, "1.2.826.0.1.1.1.1") is None

    def test_database_failure_is_no_success(self, site, slice_of, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError("the index is gone")

        monkeypatch.setattr("storage.intake.group_commit.register_all", broken)
        (answer,) = send(site.port, slice_of(1))
        assert answer.Status == 0xA700


class TestImagesWithoutSeries:
    """Some anonymisers remove Study and Series Instance UID."""

    def nameless(self, slice_of, number, **attributes):
        image = slice_of(number, **attributes)
        del image.StudyInstanceUID, image.SeriesInstanceUID
        return image

    def test_slices_of_one_acquisition_become_one_series_over_any_association(self, site, slice_of):
        event = {"IrradiationEventUID": "1.2.3.4"}
        send(site.port, self.nameless(slice_of, 1, **event))
        send(site.port, self.nameless(slice_of, 2, **event))
        (found,) = states.list_series(site.database)
        assert found.instance_count == 2

    def test_two_acquisitions_are_two_series(self, site, slice_of):
        send(site.port, *(self.nameless(slice_of, n, IrradiationEventUID=f"1.2.3.{n}") for n in (1, 2)))
        assert len(states.list_series(site.database)) == 2

    def test_without_any_acquisition_only_one_association_belongs_together(self, site, slice_of):
        send(site.port, self.nameless(slice_of, 1), self.nameless(slice_of, 2))
        send(site.port, self.nameless(slice_of, 3))
        assert sorted(item.instance_count for item in states.list_series(site.database)) == [1, 2]

    def test_sent_again_it_is_the_same_object(self, site, slice_of):
        send(site.port, self.nameless(slice_of, 1))
        (again,) = send(site.port, self.nameless(slice_of, 1))
        assert again.Status == 0
        assert [item.instance_count for item in states.list_series(site.database)] == [1]


def test_association_limit_is_a_transient_rejection(site):
    open_ones = [associate(site.port) for _ in range(3)]
    assert rejection_of(site.port) == Rejection(result=2, source=3, diagnostic=2)
    for association in open_ones:
        association.release()


def test_many_associations_at_once(site, slice_of):
    failures = []

    def scanner(number):
        answers = send(site.port, *(slice_of(index, series=number) for index in range(1, 9)))
        failures.extend(answer.Status for answer in answers if answer.Status)

    threads = [threading.Thread(target=scanner, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert [item.instance_count for item in states.list_series(site.database)] == [8, 8, 8]


def test_enhanced_ct_is_taken(site, slice_of):
    image = slice_of(1, SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=1)
    association = associate(site.port, EnhancedCTImageStorage)
    assert association.send_c_store(image).Status == 0
    association.release()
