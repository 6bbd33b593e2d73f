"""Rejection notes as highdicom writes them, sent by a peer: which count, and that Success means it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from highdicom import UID
from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, KeyObjectSelectionDocumentStorage
from pynetdicom import AE
from sqlalchemy import event

from config.errors import Transient
from config.settings import PeerSettings, Settings
from scp import metrics
from scp.services.rejection_notes import RejectionNotes, read_note
from storage.intake.instances import find_instance
from storage.series import rejections, slices

QUALITY = Code("113001", "DCM", "Rejected for Quality Reasons")
TITLES = {
    "quality": QUALITY,
    "safety": Code("113037", "DCM", "Rejected for Patient Safety Reasons"),
    "worklist": Code("113038", "DCM", "Incorrect Modality Worklist Entry"),
    "retention": Code("113039", "DCM", "Data Retention Policy Expired"),
}


def make_note(images, title=QUALITY, number=1):
    selection = KeyObjectSelection(document_title=title, referenced_objects=images)
    document = KeyObjectSelectionDocument(
        evidence=images,
        content=selection,
        series_instance_uid=UID("1.2.826.0.1.9"),
        series_number=9,
        sop_instance_uid=UID(f"1.2.826.0.1.9.{number}"),
        instance_number=number,
        manufacturer="Maker",
    )
    buffer = BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return dcmread(BytesIO(buffer.getvalue()))


@pytest.fixture
def images(slice_of):
    complete = {
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyID": "1",
        "StudyDate": "20260301",
        "StudyTime": "1200",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
    }
    return [slice_of(number, **complete) for number in (1, 2, 3)]


@pytest.fixture
def reasons():
    return Settings().selection.rejection_notes


@pytest.fixture
def allowed():
    return (PeerSettings(ae_title="PACS", host="127.0.0.1"),)


@pytest.fixture
def notes(site, reasons, allowed):
    touched = []
    notes = RejectionNotes(
        site.database, site.files, reasons=reasons, peers=allowed, clock=site.storage._clock, touched=touched.append
    )
    site.storage.adopt(replace(site.storage._rules, notes=notes))
    return touched


def send(port, *objects):
    ae = AE(ae_title="PACS")
    for sop_class in (CTImageStorage, KeyObjectSelectionDocumentStorage):
        ae.add_requested_context(sop_class, [item.file_meta.TransferSyntaxUID for item in objects])
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    association = ae.associate("127.0.0.1", port, ae_title="CORONODE")
    assert association.is_established
    answers = [association.send_c_store(item).Status for item in objects]
    association.release()
    return answers


def list_left(site, images):
    uid = str(images[0].SeriesInstanceUID)
    return [item.sop_instance_uid for item in slices.list_slices(site.database, uid)]


def count(outcome):
    return metrics.REJECTION_NOTES.labels(outcome)._value.get()


@pytest.mark.usefixtures("notes")
class TestNotes:
    @pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 1, 2), (0, 3, 1, 2)])
    def test_what_it_names_is_taken_out_in_any_order(self, site, images, order):
        note = make_note(images[:2])
        objects = [*images, note]
        assert send(site.port, *(objects[place] for place in order)) == [0] * 4
        assert list_left(site, images) == [images[2].SOPInstanceUID]
        assert find_instance(site.database, str(note.SOPInstanceUID)) is not None

    def test_a_coding_scheme_version_does_not_matter(self, site, images):
        note = make_note(images[:1])
        note.ConceptNameCodeSequence[0].CodingSchemeVersion = "01"
        assert send(site.port, *images, note) == [0] * 4
        assert len(list_left(site, images)) == 2

    @pytest.mark.parametrize(
        ("title", "left"), [("quality", 0), ("safety", 0), ("worklist", 0), ("retention", 3)], ids=lambda value: value
    )
    def test_by_default_all_reasons_but_age_count(self, site, images, title, left):
        assert send(site.port, *images, make_note(images, TITLES[title])) == [0] * 4
        assert len(list_left(site, images)) == left

    def test_another_selection_is_no_note(self, site, images):
        before = {name: count(name) for name in ("obeyed", "not_configured", "unreadable")}
        assert send(site.port, *images, make_note(images, codes.DCM.OfInterest)) == [0] * 4
        assert len(list_left(site, images)) == 3
        assert {name: count(name) for name in before} == before

    def test_a_code_of_another_scheme_is_no_note(self, site, images):
        assert send(site.port, *images, make_note(images, Code("113001", "99LOCAL", "Something else"))) == [0] * 4
        assert len(list_left(site, images)) == 3

    def test_a_contradictory_note_is_kept_and_not_obeyed(self, site, images):
        note = make_note(images[:1])
        note.PatientID = "SOMEBODY ELSE"
        before = count("contradictory")
        assert send(site.port, *images, note) == [0] * 4
        assert len(list_left(site, images)) == 3
        assert count("contradictory") == before + 1
        assert find_instance(site.database, str(note.SOPInstanceUID)) is not None

    @pytest.mark.parametrize("damage", ["evidence", "title", "nested"])
    def test_a_damaged_note_is_kept(self, site, images, damage):
        note = make_note(images[:1])
        if damage == "evidence":
            del note.CurrentRequestedProcedureEvidenceSequence
        elif damage == "title":
            note.ConceptNameCodeSequence[0].CodeValue = "11300" + "1" * 9
        else:
            note.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence = []
        assert send(site.port, *images, note) == [0] * 4
        assert len(list_left(site, images)) == 3

    def test_the_completion_check_is_told(self, site, images, notes):
        send(site.port, *images, make_note(images[:1]))
        assert notes == [images[0].SeriesInstanceUID]

    def test_success_is_answered_only_once_it_counts(self, site, images):
        note = make_note(images[:1])
        send(site.port, *images)

        def fail(_connection, _cursor, statement, *_):
            if statement.startswith("INSERT INTO rejections"):
                raise Transient("the disk is full")

        event.listen(site.database.engine, "before_cursor_execute", fail)
        assert send(site.port, note) == [0xA700]
        event.remove(site.database.engine, "before_cursor_execute", fail)
        assert len(list_left(site, images)) == 3
        assert send(site.port, note) == [0]  # the same bytes: stored before, obeyed now
        assert len(list_left(site, images)) == 2

    @pytest.mark.parametrize("companions", ["drop"])
    @pytest.mark.usefixtures("companions")
    def test_it_is_kept_where_companions_are_dropped(self, site, images):
        note = make_note(images[:1])
        assert send(site.port, *images, note) == [0] * 4
        assert len(list_left(site, images)) == 2
        assert find_instance(site.database, str(note.SOPInstanceUID)) is not None


@pytest.mark.parametrize(
    ("reasons", "allowed", "outcome"),
    [
        ((), (PeerSettings(ae_title="PACS", host="127.0.0.1"),), None),
        (("safety",), (PeerSettings(ae_title="PACS", host="127.0.0.1"),), "not_configured"),
        (("quality",), (PeerSettings(ae_title="PACS", host="127.0.0.1", may_reject=False),), "not_allowed"),
        (("quality",), (), "not_allowed"),
    ],
)
@pytest.mark.usefixtures("notes")
def test_what_is_not_configured_is_kept_and_not_obeyed(site, images, outcome):
    before = count(outcome) if outcome else 0
    assert send(site.port, *images, make_note(images)) == [0] * 4
    assert len(list_left(site, images)) == 3
    if outcome:
        assert count(outcome) == before + 1


@pytest.mark.parametrize("reasons", [("retention",)])
@pytest.mark.usefixtures("notes")
def test_expired_images_are_taken_out_where_that_is_configured(site, images):
    assert send(site.port, *images, make_note(images, TITLES["retention"])) == [0] * 4
    assert list_left(site, images) == []
    assert send(site.port, *images) == [0] * 3
    assert len(list_left(site, images)) == 3


def test_a_note_is_read_whole(images, tmp_path):
    path = tmp_path / "note.dcm"
    note = make_note(images)
    note.save_as(path)
    read = read_note(path, "PACS")
    assert (read.sop_instance_uid, read.study_instance_uid) == (note.SOPInstanceUID, images[0].StudyInstanceUID)
    assert read.references == tuple(
        rejections.Reference(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID) for image in images
    )
    assert not read.has_copies
