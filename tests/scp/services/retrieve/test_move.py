"""C-MOVE between pynetdicom as requestor and as destination (PS3.4 C.4.2)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1

from dicom.sop_classes import PATIENT_ROOT_MOVE, STUDY_ROOT_MOVE

STUDY, SERIES = "1.2.826.0.1.1", "1.2.826.0.1.1.1"


def test_a_study_goes_to_the_destination_byte_for_byte(filled, archive, move):
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts, ended.identifier) == (0, (None, 4, 0, 0), None)
    assert archive.data == {uid: data for uid, data in filled.items() if uid.startswith(f"{STUDY}.")}
    assert ended.pending[0].NumberOfRemainingSuboperations == 4
    assert archive.associations == 1


def test_each_store_names_the_move_that_asked_for_it(filled, archive, move):
    archive.start()
    move(PATIENT_ROOT_MOVE, "PATIENT", PatientID="ID2")
    (request,) = archive.requests
    assert request.MoveOriginatorApplicationEntityTitle == "CALLER"
    assert request.MoveOriginatorMessageID == 7
    assert request.Priority == 2  # that of the move: pynetdicom asks with low priority


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("STRANGER", "no peer is configured as 'STRANGER'"),
        ("CALLER", "peer CALLER has no port"),
        ("CORONODE", "this node is the source"),
    ],
)
def test_objects_go_to_configured_peers_alone(filled, move, title, words):
    ended = move(STUDY_ROOT_MOVE, "STUDY", to=title, StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xA801, (None, None, None, None))
    assert words in ended.final.ErrorComment


def test_nothing_matches_and_nobody_is_called(filled, move):
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID="1.2.3")
    assert (ended.final.Status, ended.counts) == (0, (None, 0, 0, 0))


def test_a_destination_that_is_down_fails_each_object_once(filled, move):
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xA702, (None, 0, 4, 0))
    assert "no connection" in ended.final.ErrorComment
    assert sorted(ended.failed) == sorted(uid for uid in filled if uid.startswith(f"{STUDY}."))


def test_a_destination_that_takes_no_ct_images(filled, archive, move):
    archive.contexts = [("1.2.840.10008.5.1.4.1.1.7", [ExplicitVRLittleEndian])]
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES)
    assert (ended.final.Status, ended.counts) == (0xA702, (None, 0, 3, 0))
    assert archive.requests == []


@pytest.mark.parametrize(
    ("answers", "status", "counts"),
    [
        ([0, 0xA700, 0], 0xB000, (None, 2, 1, 0)),
        ([0xA900, 0xC000, 0x0124], 0xA702, (None, 0, 3, 0)),
        ([0xB000, 0xB007, 0xB006], 0xB000, (None, 0, 0, 3)),
        ([0, 0xB000, 0x0111], 0xB000, (None, 1, 0, 2)),
        ([0xB000, 0xA700, 0xA700], 0xB000, (None, 0, 2, 1)),
    ],
)
def test_the_final_status_is_that_of_all_answers(filled, archive, move, answers, status, counts):
    refused = [f"{SERIES}.{number}" for number, answer in enumerate(answers, 1) if answer >> 8 in (0xA7, 0xA9, 0xC0, 1)]
    refused = [uid for uid in refused if answers[int(uid[-1]) - 1] != 0x0111]
    archive.answers = [*answers]
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES)
    assert (ended.final.Status, ended.counts) == (status, counts)
    assert len(archive.requests) == 3, "nothing is sent twice"
    assert ended.failed == refused


def test_an_aborted_association_costs_one_object(filled, archive, move):
    archive.on_store = lambda event: event.assoc.abort() if len(archive.requests) == 1 else None
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 3, 1, 0))
    assert ended.failed == [archive.requests[0].AffectedSOPInstanceUID]
    assert archive.associations == 2
    assert len(archive.requests) == 4


def test_a_destination_that_always_aborts_is_left_alone(filled, archive, move):
    archive.on_store = lambda event: event.assoc.abort()
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xA702, (None, 0, 4, 0))
    assert len(ended.failed) == 4
    assert archive.associations == 2
    assert "association with the destination ended" in ended.final.ErrorComment


def test_objects_that_the_destination_takes_otherwise_are_encoded_anew(store, encoded, slice_of, archive, move):
    image = slice_of(1)
    store(image)
    archive.contexts = [(CTImageStorage, [ImplicitVRLittleEndian])]
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0, (None, 1, 0, 0))
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert archive.syntaxes == {image.SOPInstanceUID: ImplicitVRLittleEndian}
    assert archive.data == {image.SOPInstanceUID: encoded(image)}


def test_an_object_that_nothing_decodes_fails_alone(store, slice_of, archive, move, filled):
    broken = slice_of(9)
    broken.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    broken.PixelData = encapsulate([b"\xff\xd8 no picture"])
    broken["PixelData"].is_undefined_length = True
    store(broken)
    archive.start()
    ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 4, 1, 0))
    assert ended.failed == [broken.SOPInstanceUID]
    assert "cannot be decoded: the decoder failed" in ended.final.ErrorComment


class TestOneAtATime:
    @pytest.fixture
    def node_settings(self):
        return {"max_moves_per_destination": 1}

    @pytest.mark.usefixtures("filled")
    def test_moves_to_one_destination_wait_for_each_other(self, archive, move):
        archive.start()
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(move, STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY) for _ in range(2)]
            ended = [each.result(60) for each in asked]
        assert [(each.final.Status, each.counts) for each in ended] == [(0, (None, 4, 0, 0))] * 2
        assert (archive.associations, archive.most) == (2, 1)
