"""A rejection note for a series that was scored and delivered, over the wire, across a restart, and taken back."""

from __future__ import annotations

import pytest
from highdicom import UID
from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom.sr.coding import Code
from pydicom.uid import KeyObjectSelectionDocumentStorage

from config.settings import PeerSettings
from storage.outbox import deliveries
from storage.query.search import Search
from storage.series import rejecting, states
from storage.series.states import State

QUALITY = Code("113001", "DCM", "Rejected for Quality Reasons")


@pytest.fixture
def make_note():
    def make(images, number=1):
        note = KeyObjectSelectionDocument(
            evidence=images,
            content=KeyObjectSelection(document_title=QUALITY, referenced_objects=images),
            series_instance_uid=UID("1.2.826.0.1.9"),
            series_number=9,
            sop_instance_uid=UID(f"1.2.826.0.1.9.{number}"),
            instance_number=number,
            manufacturer="Maker",
        )
        note.file_meta.TransferSyntaxUID = images[0].file_meta.TransferSyntaxUID
        return note

    return make


@pytest.fixture
def settings(configured, pacs):
    plain = configured({"PACS": pacs.port})
    scanner = PeerSettings(ae_title="SCANNER", host="127.0.0.1")
    return plain.model_copy(update={"peers": {**plain.peers, "SCANNER": scanner}})


def list_images(node) -> int:
    matches = Search("study", "IMAGE", ()).encode_matches(node.database, implicit=True)
    return len(list(matches))


def test_a_delivered_series_is_taken_out_and_back(
    patient, pacs, settings, run_node, scanner_of, eventually, state_of, make_note
):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    note = make_note(images)
    with run_node(settings) as node:
        scanner = scanner_of(node)
        scanner.add(KeyObjectSelectionDocumentStorage)
        assert scanner.send(images) == [0] * len(images)
        eventually("a delivered report", lambda: state_of(node, uid) == State.DELIVERED)
        assert list_images(node) == len(images) + 1
        assert scanner.send([note]) == [0]
        eventually("a verdict", lambda: state_of(node, uid) == State.NOT_SCORABLE)
        series = states.get(node.database, uid)
        assert (series.reason_code, series.version) == ("rejected_by_note", 2)
        assert series.reason.startswith("SCANNER rejected the images for quality reasons")
        assert list_images(node) == 1  # the note alone
    with run_node(settings) as node:
        assert scanner_of(node).send(images) == [0] * len(images)
        assert state_of(node, uid) == State.NOT_SCORABLE
        assert list_images(node) == 1
        assert len(pacs.received) == 1
        rejecting.restore(node.database, uid, node._clock())
        eventually("the next report", lambda: state_of(node, uid) == State.DELIVERED)
        assert list_images(node) == len(images) + 2
        assert {item.version for item in deliveries.list_deliveries(node.database)} == {1, 3}
    assert len(pacs.received) == 2


def test_a_note_before_its_images(patient, pacs, settings, run_node, scanner_of, eventually, state_of, make_note):
    images = patient()
    uid = str(images[0].SeriesInstanceUID)
    with run_node(settings) as node:
        scanner = scanner_of(node)
        scanner.add(KeyObjectSelectionDocumentStorage)
        assert scanner.send([make_note(images)]) == [0]
    with run_node(settings) as node:
        assert scanner_of(node).send(images) == [0] * len(images)
        eventually("a verdict", lambda: state_of(node, uid) == State.NOT_SCORABLE)
        assert states.get(node.database, uid).reason_code == "rejected_by_note"
    assert len(pacs.received) == 0
